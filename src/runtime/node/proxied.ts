type Env = Readonly<Record<string, string | undefined>>;

/** What knows of proxies, loaded only where a variable names one. */
export function loadProxies(env: Env): Promise<typeof import('./proxy.ts')> | undefined {
  const named = Object.keys(env).some(
    (name) => /^(grpc|https?|all)_proxy$/i.test(name) && env[name],
  );
  return named ? import('./proxy.ts') : undefined;
}
