using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .plain),
    (name = "als", worker = .als),
    (name = "compat", worker = .compat),
    (name = "unbundled", worker = .unbundled),
    (name = "entry", worker = .entryAlone),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [
    (name = "main", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "als", address = "127.0.0.1:0", http = (), service = "als"),
    (name = "compat", address = "127.0.0.1:0", http = (), service = "compat"),
    (name = "unbundled", address = "127.0.0.1:0", http = (), service = "unbundled"),
    (name = "entry", address = "127.0.0.1:0", http = (), service = "entry"),
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

# Without a bundler: the files of the package are modules, those that are loaded late among them.
const unbundled :Workerd.Worker = (
  modules = [
    (name = "unbundled.mjs", esModule = embed "unbundled.mjs"),
    (name = "answer.mjs", esModule = embed "answer.mjs"),
    (name = "journey.mjs", esModule = embed "journey.mjs"),
    (name = "@opentelemetry/api", esModule = embed "build/api.js"),
    (name = "otlp-wasm", esModule = embed "node_modules/otlp-wasm/dist/workerd.js"),
    (name = "core.wasm", wasm = embed "node_modules/otlp-wasm/dist/core.wasm"),
    (name = "metrics.wasm", wasm = embed "node_modules/otlp-wasm/dist/metrics.wasm"),
    (name = "json-format.js", esModule = embed "node_modules/otlp-wasm/dist/json-format.js"),
    (name = "web-slow-path.js", esModule = embed "node_modules/otlp-wasm/dist/web-slow-path.js"),
    (name = "edge-compressor.js", esModule = embed "node_modules/otlp-wasm/dist/edge-compressor.js"),
    (name = "codecs.wasm", wasm = embed "node_modules/otlp-wasm/dist/codecs.wasm"),
  ],
  compatibilityDate = "2026-06-01",
  bindings = .bindings,
);

# Only what the entry imports statically.
const entryAlone :Workerd.Worker = (
  modules = [
    (name = "unbundled.mjs", esModule = embed "unbundled.mjs"),
    (name = "answer.mjs", esModule = embed "answer.mjs"),
    (name = "journey.mjs", esModule = embed "journey.mjs"),
    (name = "@opentelemetry/api", esModule = embed "build/api.js"),
    (name = "otlp-wasm", esModule = embed "node_modules/otlp-wasm/dist/workerd.js"),
    (name = "core.wasm", wasm = embed "node_modules/otlp-wasm/dist/core.wasm"),
    (name = "metrics.wasm", wasm = embed "node_modules/otlp-wasm/dist/metrics.wasm"),
  ],
  compatibilityDate = "2026-06-01",
  bindings = .bindings,
);

const modules :List(Workerd.Worker.Module) = [
  (name = "worker.js", esModule = embed "build/worker.js"),
  (name = "core.wasm", wasm = embed "build/core.wasm"),
  (name = "metrics.wasm", wasm = embed "build/metrics.wasm"),
  (name = "codecs.wasm", wasm = embed "build/codecs.wasm"),
  (name = "hashes.wasm", wasm = embed "build/hashes.wasm"),
];

const bindings :List(Workerd.Worker.Binding) = [
  (name = "COLLECTOR", fromEnvironment = "COLLECTOR"),
];
