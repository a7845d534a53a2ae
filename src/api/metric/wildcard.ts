/**
 * Whether a pattern stands for a name: `*` for any characters or none, `?` for exactly one. The case
 * of ASCII letters does not matter where `ignoreCase`. Returns a function, so that the pattern is
 * read once.
 */
export function wildcard(pattern: string, ignoreCase: boolean): (name: string) => boolean {
  if (pattern === '*') return () => true;
  if (!hasWildcard(pattern)) {
    const wanted = ignoreCase ? pattern.toLowerCase() : pattern;
    return (name) => (ignoreCase ? name.toLowerCase() : name) === wanted;
  }
  const source = pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, (character) => {
    if (character === '*') return '[^]*';
    return character === '?' ? '[^]' : `\\${character}`;
  });
  // Several stars in a row are one: a regular expression would try all ways to share among them.
  const expression = new RegExp(
    `^${source.replace(/(\[\^\]\*)+/g, '[^]*')}$`,
    ignoreCase ? 'i' : '',
  );
  return (name) => expression.test(name);
}

export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?');
}
