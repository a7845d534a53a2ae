/**
 * Takes user and password out of a URL. Returns the `Authorization` header they stand for (RFC
 * 7617, in UTF-8); undefined where there are none. Throws a URIError when they cannot be decoded.
 */
export function takeCredentials(url: URL): string | undefined {
  const { username, password } = url;
  if (username === '' && password === '') return undefined;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const latin1 = String.fromCharCode(...new TextEncoder().encode(credentials));
  url.username = '';
  url.password = '';
  return `Basic ${btoa(latin1)}`;
}

/**
 * What is wrong with a bearer token, without showing it. More is let through than RFC 6750 (§2.1)
 * has: what a server takes for a token is its own business.
 */
export function tokenProblem(token: string): string | undefined {
  if (/^bearer\s/i.test(token)) return "begins with 'Bearer', which is added to it";
  if (/\s/.test(token)) return `has ${/[\r\n]/.test(token) ? 'a line break' : 'white space'} in it`;
  return keyProblem(token);
}

/** What is wrong with an API key, without showing it. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.trim() !== key) return 'has white space around it';
  return /^[\t\x20-\x7e\x80-\xff]+$/.test(key)
    ? undefined
    : 'has characters that headers cannot have';
}
