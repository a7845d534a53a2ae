import { describe, expect, it } from 'vitest';
import type { Auth } from '../../src/deliver/auth.ts';
import { isOtlpError } from '../../src/errors.ts';
import { type AuthOptions, type HeadersOption, resolveAuth } from '../../src/options/auth.ts';

interface Given {
  auth?: unknown;
  headers?: HeadersOption;
  endpoint?: string;
  tracesEndpoint?: string;
}

const FILELESS = { name: 'browser', now: () => 0 };

function resolved(given: Given, files?: Readonly<Record<string, string>>): Auth | undefined {
  const host =
    files === undefined ? FILELESS : { ...FILELESS, readText: async (path: string) => files[path] };
  return resolveAuth({ ...given, auth: given.auth as AuthOptions }, host);
}

/** What every attempt gets. */
async function asked(given: Given, files?: Readonly<Record<string, string>>) {
  const auth = resolved(given, files);
  if (auth === undefined || !('askHeaders' in auth)) throw new Error('nothing is asked');
  return auth.askHeaders();
}

function refusal(given: Given, files?: Readonly<Record<string, string>>): string {
  try {
    resolved(given, files);
  } catch (error) {
    expect(isOtlpError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'invalid_option' });
    return (error as Error).message;
  }
  throw new Error('these options were accepted');
}

describe('option auth', () => {
  it('without it, and with headers that are plain values, there is nothing to do', () => {
    expect(resolved({})).toBeUndefined();
    expect(resolved({ headers: { a: '1' } })).toBeUndefined();
  });

  it('a token and a key that are strings are headers, for which nothing is asked', () => {
    expect(resolved({ auth: { bearer: 'tok-1' } })).toEqual({
      staticHeaders: { authorization: 'Bearer tok-1' },
    });
    expect(resolved({ auth: { apiKey: 'key 1' } })).toEqual({
      staticHeaders: { 'x-api-key': 'key 1' },
    });
    expect(resolved({ auth: { apiKey: 'Api-Token x', header: 'Authorization' } })).toEqual({
      staticHeaders: { authorization: 'Api-Token x' },
    });
  });

  it('what is undefined is left out', () => {
    expect(resolved({ auth: { bearer: 'tok-1', apiKey: undefined, header: undefined } })).toEqual({
      staticHeaders: { authorization: 'Bearer tok-1' },
    });
    expect(resolved({ auth: { apiKey: 'key-1', header: undefined } })).toEqual({
      staticHeaders: { 'x-api-key': 'key-1' },
    });
  });

  it('functions are asked each time, whether they answer at once or later', async () => {
    let count = 0;
    const auth = resolved({ auth: { bearer: () => `tok-${++count}` } });
    const ask = (auth as Extract<Auth, { askHeaders: unknown }>).askHeaders;
    expect(count).toBe(0);
    expect(await ask()).toEqual({ authorization: 'Bearer tok-1' });
    expect(await ask()).toEqual({ authorization: 'Bearer tok-2' });
    const later = { apiKey: async () => 'key-1', header: 'X-Tenant-Key' };
    expect(await asked({ auth: later })).toEqual({ 'x-tenant-key': 'key-1' });
  });

  it('a file is read when there is something to send', async () => {
    expect(await asked({ auth: { bearerFile: '/run/token' } }, { '/run/token': ' t0k\n' })).toEqual(
      {
        authorization: 'Bearer t0k',
      },
    );
  });

  it('headers may be a function, alone and with auth, which wins', async () => {
    const headers = async () => ({ tenant: 'blue', Authorization: 'Basic x' });
    expect(await asked({ headers })).toEqual({ tenant: 'blue', Authorization: 'Basic x' });
    const { authorization, ...rest } = await asked({ headers, auth: { bearer: 'tok-1' } });
    expect(authorization).toBe('Bearer tok-1');
    expect(rest).toMatchObject({ tenant: 'blue' });
    expect(await asked({ headers, auth: { apiKey: () => 'key-1' } })).toMatchObject({
      tenant: 'blue',
      'x-api-key': 'key-1',
    });
  });

  it.each([
    [undefined, 'is undefined'],
    [null, 'is null'],
    [['a'], 'is an object'],
    ['', 'is empty'],
    ['s3cr3t\n', 'has a line break in it'],
    ['s3cr3t s3cr3t', 'has white space in it'],
    ['Bearer s3cr3t', "begins with 'Bearer', which is added to it"],
    ['s3cr3t→', 'has characters that headers cannot have'],
  ])(
    'a function of bearer that returns %j is told so, without what it returned',
    async (value, problem) => {
      const rejected = asked({ auth: { bearer: () => value as string } });
      await expect(rejected).rejects.toThrow(
        `what was returned for option 'auth.bearer' ${problem}; give the token and nothing else.`,
      );
      await expect(rejected).rejects.not.toThrow('s3cr3t');
    },
  );

  it.each([
    [undefined, "option 'headers' returned undefined, not an object"],
    [null, "option 'headers' returned null, not an object"],
    ['s3cr3t', "option 'headers' returned a string, not an object"],
    [{ a: 1 }, "option 'headers' has an entry 'a' whose value is a number, not a string"],
    [{ a: 's3cr3t\n' }, "entry 'a' whose value has characters that headers cannot have"],
  ])('a function of headers that returns %j is told so, without values', async (value, problem) => {
    const rejected = asked({ headers: () => value as never });
    await expect(rejected).rejects.toThrow(problem);
    await expect(rejected).rejects.not.toThrow('s3cr3t');
  });
});

const ONE = 'give it one of bearer, bearerFile, apiKey.';
const ALONE = 'and nothing else.';

describe('option auth that cannot be used', () => {
  it.each<[string, unknown, string]>([
    ['null', null, `option 'auth' has nothing, or only what is undefined; ${ONE}`],
    ['a string', 's3cr3t', `option 'auth' has nothing, or only what is undefined; ${ONE}`],
    ['empty', {}, `option 'auth' has nothing, or only what is undefined; ${ONE}`],
    ['a variable that is not set', { bearer: undefined }, `only what is undefined; ${ONE}`],
    [
      'misspelt',
      { token: 's3cr3t' },
      `option 'auth' has nothing, or only what is undefined; ${ONE}`,
    ],
    [
      'two kinds',
      { bearer: 's3cr3t', apiKey: 's3cr3t' },
      `option 'auth' has bearer and apiKey; ${ONE}`,
    ],
    ['bearer null', { bearer: null }, `option 'auth.bearer' is null; give the token ${ALONE}`],
    ['bearer a number', { bearer: 5 }, `option 'auth.bearer' is a number; give the token ${ALONE}`],
    ['bearer empty', { bearer: '' }, `option 'auth.bearer' is empty; give the token ${ALONE}`],
    [
      'a token with the line break of its file',
      { bearer: 's3cr3t\n' },
      `option 'auth.bearer' has a line break in it; give the token ${ALONE}`,
    ],
    [
      'a whole header',
      { bearer: 'bearer s3cr3t' },
      `option 'auth.bearer' begins with 'Bearer', which is added to it; give the token ${ALONE}`,
    ],
    [
      'a key with white space around it',
      { apiKey: ' s3cr3t' },
      `option 'auth.apiKey' has white space around it; give the key ${ALONE}`,
    ],
    [
      'a key in two lines',
      { apiKey: 's3\ncr3t s3cr3t' },
      `option 'auth.apiKey' has characters that headers cannot have; give the key ${ALONE}`,
    ],
    [
      'a header that is set per request',
      { apiKey: 's3cr3t', header: 'Content-Type' },
      "option 'auth.header' is 'Content-Type'; give the name of a header that is free for a key, or leave it out.",
    ],
    [
      'a header that would be shown',
      { apiKey: 's3cr3t', header: 'User-Agent' },
      "option 'auth.header' is 'User-Agent'; give the name of a header that is free for a key, or leave it out.",
    ],
    [
      'a header that is none',
      { apiKey: 's3cr3t', header: 'x key' },
      "option 'auth.header' is 'x key'; give the name of a header that is free for a key, or leave it out.",
    ],
    [
      'a header name that is no string',
      { apiKey: 's3cr3t', header: 5 },
      "option 'auth.header' is 5; give the name of a header that is free for a key, or leave it out.",
    ],
    [
      'a header of a token',
      { bearer: 's3cr3t', header: 'x-token' },
      "option 'auth.header' goes with apiKey, not with bearer; leave it out.",
    ],
    [
      'a path that is empty',
      { bearerFile: '' },
      "option 'auth.bearerFile' is ''; give the path of a file with a token, or leave it out.",
    ],
    [
      'a path that is a function',
      { bearerFile: () => '/run/token' },
      "option 'auth.bearerFile' is a function; give the path of a file with a token, or leave it out.",
    ],
  ])('%s', (_, auth, message) => {
    expect(refusal({ auth }, {})).toContain(message);
    expect(refusal({ auth }, {})).not.toContain('s3cr3t');
  });

  it('a file on a host that has none', () => {
    expect(refusal({ auth: { bearerFile: '/run/token' } })).toBe(
      "option 'auth.bearerFile' is '/run/token', but there are no files on browser; give bearer in its place.",
    );
  });

  it('an Authorization header, or a user in the URL, beside a token', () => {
    const auth = { bearer: 's3cr3t-1' };
    const both = (name: string) =>
      `options 'auth' and '${name}' both say what 'authorization' is; leave one out.`;
    const headers = { Authorization: 'Basic s3cr3t-2' };
    expect(refusal({ auth, headers })).toBe(both('headers'));
    expect(refusal({ auth, endpoint: 'http://u:s3cr3t-2@c' })).toBe(both('endpoint'));
    expect(refusal({ auth, tracesEndpoint: 'http://s3cr3t-2@c' })).toBe(both('tracesEndpoint'));
    expect(refusal({ auth, endpoint: 'u:s3cr3t-2@c:4317' })).toBe(both('endpoint'));
    for (const endpoint of ['c', 'c:4317', 'http://c/a@b', 'http://c?a=b@c', 'http://c#a@b']) {
      expect(resolved({ auth, endpoint })).toBeDefined();
    }
    const key = { apiKey: 's3cr3t-1', header: 'x-key' };
    expect(refusal({ auth: key, headers: { 'X-KEY': 's3cr3t-2' } })).toBe(
      "options 'auth' and 'headers' both say what 'x-key' is; leave one out.",
    );
    // These do not contradict each other.
    expect(resolved({ auth: key, headers, endpoint: 'http://u:s3cr3t-2@c' })).toBeDefined();
    const endpoints = { endpoint: 'http://u:s3cr3t-2@c', tracesEndpoint: 'http://c/v1/traces' };
    expect(resolved({ auth, ...endpoints })).toBeDefined();
  });
});
