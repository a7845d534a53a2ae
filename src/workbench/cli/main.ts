/** The command line, `otlp-wasm <command>`, apart from the process it runs in. */

import { parseArgs } from 'node:util';
import { isOtlpError } from '../../errors.ts';
import { wantsColor } from './color.ts';
import { createLiveView, totalsLine } from './live.ts';
import type { Output } from './progress.ts';

/** What a command needs of its process. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Resolves when the user wants the command to end (Ctrl-C, SIGTERM). */
  readonly interrupted: Promise<void>;
}

const HELP = `otlp-wasm <command>

Commands
  collector    receive OTLP over HTTP and gRPC on this machine and show what arrives

Options
  --help       show this, or the help of a command
  --version    show the version
`;

const COLLECTOR_HELP = `otlp-wasm collector [options]

Receives OTLP/HTTP (protobuf and JSON) and OTLP/gRPC and shows requests, log records, metrics and
traces as they arrive. Ctrl-C ends it. Keeps the newest 100 000 records; for development, not for
production.

Options
  --port <n>              port for HTTP; 0 takes any that is free       (default 4318)
  --grpc-port <n>         port for gRPC; 0 takes any that is free       (default 4317, with --port 0: 0)
  --no-grpc               HTTP only
  --host <address>        address to listen on                          (default 127.0.0.1)
  --allow-origin <url>    let pages of this origin post; * for any; may be repeated
  --quiet                 show only where it listens and, at the end, totals
  --json                  write one JSON object per line: listening, request, totals
  --help                  show this
`;

const TICK_MS = 250;

/** What is wrong with the command line; its message is shown without a stack. */
class UsageError extends Error {}

/** Runs a command. Resolves with the exit code: 0 fine, 1 failed, 2 wrong usage. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [command, ...rest] = argv;
  try {
    switch (command) {
      case 'collector':
        return await collector(rest, terminal);
      case '--version':
      case '-v':
        terminal.stdout.write(`${terminal.version}\n`);
        return 0;
      case '--help':
      case '-h':
      case 'help':
        terminal.stdout.write(HELP);
        return 0;
      case undefined:
        terminal.stderr.write(HELP);
        return 2;
      default:
        throw new UsageError(`unknown command "${command}"; see otlp-wasm --help`);
    }
  } catch (error) {
    const usage = error instanceof UsageError;
    if (!usage && !isOtlpError(error)) throw error;
    terminal.stderr.write(`otlp-wasm: ${(error as Error).message}\n`);
    if (usage) return 2;
    if (error.code === 'listen_failed') {
      terminal.stderr.write('try: otlp-wasm collector --port 0 --grpc-port 0\n');
    }
    return 1;
  }
}

const COLLECTOR_FLAGS = {
  port: { type: 'string' },
  'grpc-port': { type: 'string' },
  'no-grpc': { type: 'boolean' },
  host: { type: 'string' },
  'allow-origin': { type: 'string', multiple: true },
  quiet: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function collectorFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: COLLECTOR_FLAGS, strict: true }).values;
  } catch (error) {
    // Only the first sentence of node's message is about what was typed.
    const message = (error as Error).message.split('. ')[0]!.replace(/^./, (c) => c.toLowerCase());
    throw new UsageError(`${message}; see otlp-wasm collector --help`);
  }
}

function portOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`${flag} must be a number from 0 to 65535, got "${text}"`);
}

/** Undefined: the usual port. */
function grpcPortOf(flags: ReturnType<typeof collectorFlags>): number | false | undefined {
  const asked = portOf('--grpc-port', flags['grpc-port']);
  if (!flags['no-grpc']) return asked ?? (flags.port === '0' ? 0 : undefined);
  if (asked === undefined) return false;
  throw new UsageError('--grpc-port and --no-grpc contradict each other');
}

async function collector(args: readonly string[], terminal: Terminal): Promise<number> {
  const flags = collectorFlags(args);
  const { stdout, env } = terminal;
  if (flags.help) {
    stdout.write(COLLECTOR_HELP);
    return 0;
  }
  const port = portOf('--port', flags.port);
  const grpcPort = grpcPortOf(flags);
  const say = (line: string) => stdout.write(`${line}\n`);
  const sayJson = (value: object) => say(JSON.stringify(value, exactJson));
  const view = createLiveView({
    write: (text) => stdout.write(text),
    width: () => stdout.columns ?? 100,
    color: wantsColor(stdout, env),
    now: () => performance.now(),
  });

  // Loaded only now: help and mistakes are answered without it.
  const { DEFAULT_GRPC_PORT, startCollector } = await import('../collector/collector.ts');
  const running = await startCollector({
    grpcPort: grpcPort ?? DEFAULT_GRPC_PORT,
    ...(port !== undefined && { port }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags['allow-origin'] !== undefined && { allowedOrigins: flags['allow-origin'] }),
    onRequest(request, received) {
      if (flags.quiet) return;
      if (flags.json) sayJson({ type: 'request', ...request, ...received });
      else view.request(request, received);
    },
  });
  if (flags.json) {
    sayJson({ type: 'listening', url: running.url, grpcUrl: running.grpcUrl });
  } else {
    const { url, grpcUrl } = running;
    const both = grpcUrl === undefined ? url : `${url}, for gRPC on ${grpcUrl}`;
    say(`listening on ${both}  (Ctrl-C ends)`);
    if (!flags.quiet) say(`send to it: OTEL_EXPORTER_OTLP_ENDPOINT=${url}\n`);
  }
  const live = !flags.quiet && !flags.json;
  const ticking = live ? setInterval(() => view.tick(), TICK_MS) : undefined;

  await terminal.interrupted;
  clearInterval(ticking);
  if (live) view.end();
  const stats = running.stats();
  await running.close();
  if (flags.json) sayJson({ type: 'totals', ...stats });
  else say(totalsLine(stats));
  return 0;
}

/** 64-bit integers as strings and bytes as base64, like OTLP's JSON. */
function exactJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}
