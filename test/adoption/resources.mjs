// Resources of two SDKs about the same application: what both say has to be the same, but for what
// is listed here with its reason.

/** Another value in every process. */
const OF_THE_PROCESS = ['process.pid', 'service.instance.id', 'process.creation.time'];

/** Both have it, with another value. */
const DIFFERENT = {
  'telemetry.sdk.name': 'upstream "opentelemetry", ours "otlp-wasm"',
  'telemetry.sdk.version': 'each its own',
  'process.command':
    'upstream: the script; ours: argv[0], as the conventions ask. Ours names no path of the application',
  'process.executable.name':
    'upstream: the whole path; ours: the name alone, as the conventions ask',
  'os.version':
    "upstream: the kernel's release; ours: the operating system's, from /etc/os-release",
};

const ONLY_UPSTREAM = {
  'process.command_args': 'ours has to be asked for it: arguments may hold secrets',
  'process.executable.path': 'ours names the executable, not where it lies',
};

/** Ours looks for more by itself; what it finds depends on the machine. */
const ONLY_OURS =
  /^(process\.creation\.time|os\.(name|description|build_id)|(container|k8s|cloud|aws|azure|gcp|faas|heroku)\.)/;

/**
 * @param upstream @param ours as `decodeResources` gives them, of all requests
 * @returns {string[]} empty when nothing is wrong
 */
export function resourceComplaints(upstream, ours) {
  if (upstream.length === 0 || ours.length === 0) return [];
  const wrong = [];
  const [theirs] = distinct('upstream', upstream, wrong);
  const [own] = distinct('otlp-wasm', ours, wrong);
  for (const [key, value] of own) {
    if (!theirs.has(key)) {
      if (!ONLY_OURS.test(key)) wrong.push(`resource: only otlp-wasm has ${key}: ${value}`);
    } else if (theirs.get(key) !== value && !OF_THE_PROCESS.includes(key) && !(key in DIFFERENT)) {
      wrong.push(`resource: ${key}: upstream ${theirs.get(key)}, otlp-wasm ${value}`);
    }
  }
  for (const [key, value] of theirs) {
    if (!own.has(key) && !(key in ONLY_UPSTREAM))
      wrong.push(`resource: only upstream has ${key}: ${value}`);
  }
  return wrong;
}

/** Every request of a process names the same resource. */
function distinct(subject, resources, wrong) {
  const texts = new Map(
    resources.map(({ attributes }) => {
      const values = attributes.map(({ key, value }) => [key, text(value)]);
      return [text(values), new Map(values)];
    }),
  );
  if (texts.size > 1)
    wrong.push(`${subject}: ${texts.size} different resources: ${[...texts.keys()]}`);
  return [...texts.values()];
}

const text = (value) =>
  JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part));
