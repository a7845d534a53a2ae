/**
 * How many objects and strings can be reached from `roots`: what a program keeps, without the
 * garbage collector's say. Typed arrays and buffers count as one.
 */
export function reachable(...roots: readonly unknown[]): number {
  const seen = new Set<unknown>();
  const open: unknown[] = [...roots];
  while (open.length > 0) {
    const value = open.pop();
    const type = typeof value;
    if (value === null || (type !== 'object' && type !== 'string') || seen.has(value)) continue;
    seen.add(value);
    if (type === 'string' || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) continue;
    if (value instanceof Map) for (const [key, member] of value) open.push(key, member);
    else if (value instanceof Set) open.push(...value);
    // Elements of arrays are own properties, too.
    for (const name of Reflect.ownKeys(value as object)) {
      const property = Object.getOwnPropertyDescriptor(value, name)!;
      if ('value' in property) open.push(property.value);
    }
  }
  return seen.size;
}
