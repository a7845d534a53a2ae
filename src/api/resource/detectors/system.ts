import {
  ATTR_HOST_ARCH,
  ATTR_HOST_ID,
  ATTR_HOST_NAME,
  ATTR_OS_BUILD_ID,
  ATTR_OS_DESCRIPTION,
  ATTR_OS_NAME,
  ATTR_OS_TYPE,
  ATTR_OS_VERSION,
  ATTR_PROCESS_ARGS_COUNT,
  ATTR_PROCESS_COMMAND,
  ATTR_PROCESS_COMMAND_ARGS,
  ATTR_PROCESS_CREATION_TIME,
  ATTR_PROCESS_EXECUTABLE_NAME,
  ATTR_PROCESS_OWNER,
  ATTR_PROCESS_PID,
  ATTR_PROCESS_RUNTIME_DESCRIPTION,
  ATTR_PROCESS_RUNTIME_NAME,
  ATTR_PROCESS_RUNTIME_VERSION,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';

/** The process and its runtime. Without arguments, which may hold secrets. */
export const processDetector: ResourceDetector = {
  name: 'process',
  schemaUrl: SCHEMA_URL,
  detect({ system }): DetectedAttributes {
    const facts = system?.();
    if (facts === undefined) return {};
    const { argv, executablePath } = facts;
    return {
      [ATTR_PROCESS_PID]: facts.pid,
      [ATTR_PROCESS_COMMAND]: argv[0],
      [ATTR_PROCESS_EXECUTABLE_NAME]: executablePath.slice(executablePath.search(/[^/\\]*$/)),
      [ATTR_PROCESS_OWNER]: facts.owner,
      [ATTR_PROCESS_CREATION_TIME]: () => new Date(facts.startedMs).toISOString(),
      [ATTR_PROCESS_RUNTIME_NAME]: facts.runtimeName,
      [ATTR_PROCESS_RUNTIME_VERSION]: facts.runtimeVersion,
      [ATTR_PROCESS_RUNTIME_DESCRIPTION]: facts.runtimeDescription,
    };
  },
};

/** The process' arguments, for programs whose arguments hold no secrets. Not a default. */
export const processArgumentsDetector: ResourceDetector = {
  name: 'process_arguments',
  schemaUrl: SCHEMA_URL,
  detect({ system }): DetectedAttributes {
    const facts = system?.();
    if (facts === undefined) return {};
    return {
      [ATTR_PROCESS_COMMAND_ARGS]: [...facts.argv],
      [ATTR_PROCESS_ARGS_COUNT]: facts.argv.length,
    };
  },
};

/** The operating system; on Linux with what `os-release` says of the distribution. */
export const osDetector: ResourceDetector = {
  name: 'os',
  schemaUrl: SCHEMA_URL,
  detect(surroundings): DetectedAttributes {
    const facts = surroundings.system?.();
    if (facts === undefined) return {};
    if (facts.osType !== 'linux') {
      return { [ATTR_OS_TYPE]: facts.osType, [ATTR_OS_VERSION]: facts.osRelease };
    }
    let release: Promise<Map<string, string>> | undefined;
    const field = (name: string) => async () => {
      release ??= osRelease(surroundings);
      return (await release).get(name);
    };
    return {
      [ATTR_OS_TYPE]: facts.osType,
      [ATTR_OS_NAME]: field('NAME'),
      [ATTR_OS_VERSION]: async () => (await field('VERSION_ID')()) ?? facts.osRelease,
      [ATTR_OS_DESCRIPTION]: field('PRETTY_NAME'),
      [ATTR_OS_BUILD_ID]: field('BUILD_ID'),
    };
  },
};

/** The lines `NAME="value"` of os-release(5). */
async function osRelease({ readText }: Surroundings): Promise<Map<string, string>> {
  const text = (await readText?.('/etc/os-release')) ?? (await readText?.('/usr/lib/os-release'));
  const fields = new Map<string, string>();
  for (const [, name, quoted] of (text ?? '').matchAll(/^([A-Z_]+)=(.*)$/gm)) {
    const value = quoted!.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(.)/g, '$1');
    if (value !== '') fields.set(name!, value);
  }
  return fields;
}

/** The machine: its name and architecture; on Linux the machine id as well. */
export const hostDetector: ResourceDetector = {
  name: 'host',
  schemaUrl: SCHEMA_URL,
  detect({ system, readText }): DetectedAttributes {
    const facts = system?.();
    if (facts === undefined) return {};
    const id = async () => {
      for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
        const text = (await readText?.(path))?.trim();
        // systemd writes "uninitialized" into images.
        if (text !== undefined && /^[0-9a-f]{32}$/.test(text)) return text;
      }
      return undefined;
    };
    return {
      [ATTR_HOST_NAME]: facts.hostName,
      [ATTR_HOST_ARCH]: facts.arch,
      ...(facts.osType === 'linux' && { [ATTR_HOST_ID]: id }),
    };
  },
};
