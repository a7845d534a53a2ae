using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .plain),
    (name = "als", worker = .als),
    (name = "compat", worker = .compat),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [
    (name = "main", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "als", address = "127.0.0.1:0", http = (), service = "als"),
    (name = "compat", address = "127.0.0.1:0", http = (), service = "compat"),
  ],
);

# Nothing of Node's: no flags, and a date before that from which nodejs_compat is the default.
const plain :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = "2026-06-01",
  bindings = .bindings,
);

const als :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = "2026-06-01",
  compatibilityFlags = ["nodejs_als"],
  bindings = .bindings,
);

const compat :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = "2026-06-01",
  compatibilityFlags = ["nodejs_compat"],
  bindings = .bindings,
);

const modules :List(Workerd.Worker.Module) = [
  (name = "worker.js", esModule = embed "build/worker.js"),
  (name = "core.wasm", wasm = embed "build/core.wasm"),
];

const bindings :List(Workerd.Worker.Binding) = [
  (name = "COLLECTOR", fromEnvironment = "COLLECTOR"),
];
