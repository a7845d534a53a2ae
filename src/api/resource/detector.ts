import type { AttributeValue } from '@opentelemetry/api';

/** What detectors may look at. A host has what it can offer; nothing of it throws. */
export interface Surroundings {
  /** Environment variables; empty where there are none. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fills the view with random bytes from a CSPRNG. */
  fillRandom(words: Uint32Array<ArrayBuffer>): void;
  /** The process and the machine, as far as they are known without waiting. */
  system?(): System;
  /** A file's text; undefined where there is none, or none that may be read. */
  readText?(path: string): Promise<string | undefined>;
  /** What a server answers to a GET, parsed as JSON. Rejects when that is nothing of use. */
  getJson?(url: string): Promise<unknown>;
}

/** Facts in the words of the semantic conventions. */
export interface System {
  readonly pid: number;
  /** When the process started, Unix milliseconds. */
  readonly startedMs: number;
  /** The program and its arguments, as they were given. */
  readonly argv: readonly string[];
  readonly executablePath: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeDescription: string;
  /** As `host.arch`. */
  readonly arch: string;
  /** As `os.type`. */
  readonly osType: string;
  /** Of the kernel. */
  readonly osRelease: string | undefined;
  readonly hostName: string | undefined;
  /** Name of the user the process belongs to; undefined where that has none. */
  owner(): Promise<string | undefined>;
}

type Maybe = AttributeValue | undefined;

/**
 * Attributes, some of which may be known later: by a promise, or by a function that is called
 * once the program has started. Those that are undefined are left out.
 */
export type DetectedAttributes = Readonly<
  Record<string, Maybe | PromiseLike<Maybe> | (() => Maybe | PromiseLike<Maybe>)>
>;

type Answer = DetectedAttributes | PromiseLike<DetectedAttributes>;

/** Finds out something about what telemetry is about (specification, "Detecting resource information"). */
export interface ResourceDetector {
  /** For `health()`, for messages, and to ask for it in `detectors`. */
  readonly name: string;
  /** URL of the schema that its attributes follow. Default none. */
  readonly schemaUrl?: string | undefined;
  /** How long its answer is waited for, milliseconds; what comes later is ignored. Default 2000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Attributes, none when there is nothing to say; or a promise of them, or a function that is
   * called for them once the program has started: `start()` waits for what this does itself.
   */
  detect(surroundings: Surroundings): Answer | (() => Answer);
}

/** The detectors of upstream's packages, which answer with an object around the attributes. */
export interface UpstreamResourceDetector {
  detect(): {
    readonly attributes?: Readonly<Record<string, unknown>>;
    readonly schemaUrl?: string;
  };
}

/** What the option `detectors` takes. */
export type AnyResourceDetector = ResourceDetector | UpstreamResourceDetector;
