/** Values within each other that are followed; what lies deeper becomes null. */
const MAX_DEPTH = 16;

/**
 * A field of a record as a value that an attribute can have: as `JSON.stringify` would write it, but
 * for errors, which keep name, message and stack trace, for bytes and big integers, which are values by
 * themselves, and for what refers to itself, which ends with `[Circular]`. Functions and symbols are
 * no values. Never throws: `[Throws]` stands for what cannot be read.
 */
export function anyValue(value: unknown): unknown {
  return typeof value === 'object' ? copyOf(value, []) : scalar(value);
}

/** Makes such values of all fields of an object that is the caller's own. */
export function anyValues(fields: Record<string, unknown>): Record<string, unknown> {
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    const type = typeof value;
    if (type === 'string' || type === 'number' || type === 'boolean') continue;
    const copy = anyValue(value);
    if (copy === undefined) delete fields[key];
    else fields[key] = copy;
  }
  return fields;
}

function scalar(value: unknown): unknown {
  return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
}

/** @param around the objects that this one is in, from the outermost: changed, and as before in the end. */
function copyOf(value: object | null, around: object[]): unknown {
  if (value === null || value instanceof Uint8Array) return value;
  if (around.includes(value)) return '[Circular]';
  if (around.length === MAX_DEPTH) return null;
  around.push(value);
  try {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return memberOf(toJSON.call(value), around);
    if (Array.isArray(value)) return value.map((member) => memberOf(member, around));
    const copy: Record<string, unknown> = {};
    if (isError(value)) {
      const { name, message, stack, cause } = value;
      Object.assign(copy, { type: name, message, stack });
      if (cause !== undefined) copy['cause'] = memberOf(cause, around);
    }
    for (const key of Object.keys(value)) {
      let member: unknown;
      try {
        member = memberOf((value as Record<string, unknown>)[key], around);
      } catch {
        member = '[Throws]';
      }
      if (member !== undefined) copy[key] = member;
    }
    return copy;
  } catch {
    return '[Throws]';
  } finally {
    around.pop();
  }
}

function memberOf(value: unknown, around: object[]): unknown {
  return typeof value === 'object' ? copyOf(value, around) : scalar(value);
}

/** Also of another realm: a test runner's, an iframe's. */
export function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  if (typeof value !== 'object' || value === null) return false;
  // Most are plain, and need not be asked.
  if (Object.getPrototypeOf(value) === Object.prototype) return false;
  return Object.prototype.toString.call(value) === '[object Error]';
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
