type Env = Readonly<Record<string, string | undefined>>;

/** What knows of proxies, loaded only where a variable names one. */
export function loadProxies(env: Env): Promise<typeof import('./proxy.ts')> | undefined {
  // By name: on Deno the names of all variables may not be read.
  const named = ['grpc_proxy', 'https_proxy', 'http_proxy', 'all_proxy'].some(
    (name) => env[name] || env[name.toUpperCase()],
  );
  return named ? import('./proxy.ts') : undefined;
}
