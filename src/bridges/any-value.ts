/** Values within each other that are followed; what lies deeper becomes null. */
const MAX_DEPTH = 16;

/**
 * A field of a record as a value that an attribute can have: as `JSON.stringify` would write it, but
 * for errors, which keep name, message and stack trace, for bytes and big integers, which are values by
 * themselves, and for what refers to itself, which ends with `[Circular]`. Functions and symbols are
 * no values. Never throws: `[Throws]` stands for what cannot be read.
 */
export function anyValue(value: unknown): unknown {
  return copyOf(value, []);
}

function copyOf(value: unknown, around: readonly object[]): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (around.includes(value)) return '[Circular]';
  if (around.length === MAX_DEPTH) return null;
  const within = [...around, value];
  try {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return copyOf(toJSON.call(value), within);
    if (Array.isArray(value)) return value.map((member) => copyOf(member, within));
    const copy: Record<string, unknown> = {};
    if (isError(value)) {
      const { name, message, stack, cause } = value;
      Object.assign(copy, { type: name, message, stack });
      if (cause !== undefined) copy['cause'] = copyOf(cause, within);
    }
    for (const key of Object.keys(value)) {
      const member = memberOf(value as Record<string, unknown>, key, within);
      if (member !== undefined) copy[key] = member;
    }
    return copy;
  } catch {
    return '[Throws]';
  }
}

function memberOf(value: Record<string, unknown>, key: string, within: readonly object[]): unknown {
  try {
    return copyOf(value[key], within);
  } catch {
    return '[Throws]';
  }
}

/** Also of another realm: a test runner's, an iframe's. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** What a record says about an error. */
export interface Thrown {
  /** For `LogRecord.exception`. */
  readonly exception: unknown;
  /** Fields that an exception has no place for, such as `statusCode`. */
  readonly rest: Readonly<Record<string, unknown>> | undefined;
}

/**
 * An error, or what a serializer of a logger has made of one: `type` or `name`, `message`, `stack`,
 * `code`, `cause`. Undefined for what is none of both.
 */
export function thrownOf(value: unknown): Thrown | undefined {
  if (typeof value === 'string') return { exception: value, rest: undefined };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  try {
    const { type, name, message, stack, code, cause, ...others } = value as Record<string, unknown>;
    const error = isError(value);
    if (!error && typeof message !== 'string' && typeof stack !== 'string') return undefined;
    const exception = error ? value : { name: name ?? type, message, stack, code, cause };
    // Serializers leave what an error does not have as undefined.
    const some = Object.values(others).some((other) => other !== undefined);
    return { exception, rest: some ? others : undefined };
  } catch {
    // A getter that throws: whoever reads the exception reads what can be read of it.
    return { exception: value, rest: undefined };
  }
}
