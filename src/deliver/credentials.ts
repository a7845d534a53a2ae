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
