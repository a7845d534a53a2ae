using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ],
);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "build/worker.js"),
    (name = "core.wasm", wasm = embed "build/core.wasm"),
  ],
  # No flags: nodejs_compat is not needed.
  compatibilityDate = "2026-10-01",
  bindings = [ (name = "COLLECTOR", fromEnvironment = "COLLECTOR") ],
);
