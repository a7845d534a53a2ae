/** Says each line once; `said` has those that were. */
export function once(
  warn: (line: string) => void,
  said = new Set<string>(),
): (line: string) => void {
  return (line) => {
    if (said.has(line)) return;
    said.add(line);
    warn(line);
  };
}
