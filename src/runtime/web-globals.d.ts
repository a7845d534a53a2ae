/**
 * The web globals the core uses, and no more: it compiles without DOM or Node types, so that
 * nothing a host may lack slips in. `tsconfig.node.json`, which has the real types, leaves this
 * file out.
 */

declare class URL {
  constructor(url: string, base?: string | URL);
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  readonly searchParams: URLSearchParams;
  toString(): string;
}

declare class URLSearchParams {
  values(): IterableIterator<string>;
  get(name: string): string | null;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array | ArrayBuffer, options?: { stream?: boolean }): string;
}

declare class AbortSignal {
  private constructor();
  readonly aborted: boolean;
  readonly reason: unknown;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class Headers {
  constructor(init?: Readonly<Record<string, string>>);
  get(name: string): string | null;
  set(name: string, value: string): void;
}

interface ReadableStreamDefaultReader<T> {
  read(): Promise<{ done: false; value: T } | { done: true; value: T | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

interface ReadableStream<T = unknown> {
  getReader(): ReadableStreamDefaultReader<T>;
  pipeThrough<R>(pair: {
    readonly readable: ReadableStream<R>;
    readonly writable: WritableStream<T>;
  }): ReadableStream<R>;
  cancel(reason?: unknown): Promise<void>;
}

interface WritableStream<T = unknown> {
  getWriter(): {
    write(chunk: T): Promise<void>;
    close(): Promise<void>;
  };
}

declare class TransformStream<I = unknown, O = unknown> {
  constructor(transformer: {
    start?(): void | Promise<void>;
    transform?(chunk: I, controller: { enqueue(chunk: O): void }): void;
    flush?(controller: { enqueue(chunk: O): void }): void;
  });
  readonly readable: ReadableStream<O>;
  readonly writable: WritableStream<I>;
}

declare class CompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

declare class DecompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

declare class Response {
  constructor(
    body?: Uint8Array | ReadableStream<Uint8Array> | string | null,
    init?: { status?: number; headers?: Readonly<Record<string, string>> },
  );
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface RequestInit {
  method?: string;
  headers?: Headers | Readonly<Record<string, string>>;
  body?: Uint8Array<ArrayBuffer> | string;
  signal?: AbortSignal;
  redirect?: 'follow' | 'error' | 'manual';
  keepalive?: boolean;
}

declare function fetch(url: string, init?: RequestInit): Promise<Response>;

declare function atob(base64: string): string;
declare function btoa(binary: string): string;
declare function queueMicrotask(callback: () => void): void;

/** A number in browsers and on the edge, an object elsewhere. */
declare function setTimeout(callback: () => void, delayMs?: number): unknown;
declare function clearTimeout(timer: unknown): void;

declare const performance: { now(): number; readonly timeOrigin: number };
declare const crypto: { getRandomValues<T extends ArrayBufferView>(view: T): T };
declare const console: {
  log(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};

declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBuffer);
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(size: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  function validate(bytes: ArrayBufferView | ArrayBuffer): boolean;
  function compile(bytes: ArrayBufferView | ArrayBuffer): Promise<Module>;
}
