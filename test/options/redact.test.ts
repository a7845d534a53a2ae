import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { describe, expect, it } from 'vitest';
import { isOtlpError } from '../../src/errors.ts';
import type { RedactionRules } from '../../src/options/options.ts';
import { redaction as prepared } from '../../src/redaction.ts';

const resolveRedaction = (rules: RedactionRules | undefined) =>
  prepared(rules === undefined ? {} : rules)();

const actions = (rules: RedactionRules, ...keys: string[]) =>
  keys.map((key) => resolveRedaction(rules)?.of(key).action);

function refused(rules: unknown): string {
  try {
    resolveRedaction(rules as RedactionRules);
  } catch (error) {
    expect(isOtlpError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'invalid_option' });
    return (error as Error).message;
  }
  throw new Error('these rules were accepted');
}

/** Every attribute key of the semantic conventions. */
const CONVENTIONAL = Object.entries(conventions).flatMap(([name, key]) =>
  name.startsWith('ATTR_') && typeof key === 'string' ? [key] : [],
);

describe('patterns', () => {
  it('of plain text are whole keys, in any case', () => {
    expect(actions({ drop: ['a.b'] }, 'a.b', 'A.B', 'a.b.c', 'x.a.b', 'aXb')).toEqual([
      'drop',
      'drop',
      'none',
      'none',
      'none',
    ]);
  });

  it('take * for any characters, none and dots too', () => {
    const rules = { mask: ['user.*', '*.key', 'a*z'] };
    const masked = ['user.', 'user.id', 'user.a.b', 'x.key', 'a.b.key', 'az', 'a.\n.z'];
    const others = ['user', 'username', 'key', 'a.keys', 'baz'];
    expect(actions(rules, ...masked)).toEqual(masked.map(() => 'mask'));
    expect(actions(rules, ...others)).toEqual(others.map(() => 'none'));
  });

  it('take no other character for more than itself', () => {
    const text = '\\^$.+?()[]{}|a';
    expect(actions({ drop: [text] }, text, '', 'a')).toEqual(['drop', 'none', 'none']);
  });

  it('that are regular expressions match anywhere, with flags but without their state', () => {
    const rules = { drop: [/token/gi, /^x$/y] };
    const redaction = resolveRedaction(rules)!;
    for (let i = 0; i < 3; i++) {
      expect(redaction.of('my.Token.x').action).toBe('drop');
      expect(redaction.of('x').action).toBe('drop');
      expect(redaction.of('xx').action).toBe('none');
    }
    expect(rules.drop.map(({ lastIndex }) => lastIndex)).toEqual([0, 0]);
  });
});

describe('the first that matches decides', () => {
  it('keep, drop, mask, presets', () => {
    const all = { keep: ['*.a'], drop: ['*.a', '*.b'], mask: ['*.a', '*.b', '*.c'] };
    expect(actions(all, 'x.a', 'x.b', 'x.c', 'x.d')).toEqual(['keep', 'drop', 'mask', 'none']);
    const presets = { presets: ['credentials', 'personal', 'urls'] } as const;
    const keys = ['user.id', 'url.full', 'http.request.header.cookie'];
    expect(actions(presets, ...keys)).toEqual(['drop', 'rewrite', 'mask']);
    expect(actions({ ...presets, mask: ['user.id'], keep: keys.slice(1) }, ...keys)).toEqual([
      'mask',
      'keep',
      'keep',
    ]);
  });

  it('inside maps too, where keys are paths', () => {
    const redaction = resolveRedaction({
      keep: ['in.kept'],
      drop: ['in.*.x'],
      mask: ['*.kept.*'],
    })!;
    const within = redaction.of('in');
    expect(within.action).toBe('none');
    expect(within.within('a').within('x').action).toBe('drop');
    expect(within.within('kept').within('x').within('x').action).toBe('keep');
    expect(redaction.of('out').within('kept').within('y').action).toBe('mask');
  });

  it('however many keys there are', () => {
    const redaction = resolveRedaction({ drop: ['map.*7'] })!;
    const map = redaction.of('map');
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 10_000; i++) {
        expect(map.within(`k${i}`).action).toBe(i % 10 === 7 ? 'drop' : 'none');
      }
    }
  });
});

describe('rules that keep nothing back', () => {
  it.each([undefined, {}, { drop: [], presets: [] }, { keep: ['a'], maskWith: 'x' }])(
    'cost nothing: %j',
    (rules) => {
      expect(resolveRedaction(rules)).toBeUndefined();
    },
  );
});

describe('rules that cannot be used', () => {
  it.each<[unknown, string]>([
    [null, "option 'redact' is"],
    ['credentials', "option 'redact' is a string; give an object"],
    [[/a/], "option 'redact' is"],
    [{ drop: 'user.*' }, "option 'redact.drop' is 'user.*'; give an array"],
    [{ mask: [7] }, "option 'redact.mask' has an entry 7; give attribute keys"],
    [{ keep: [''] }, "option 'redact.keep' has an entry ''; give attribute keys"],
    [{ drop: [{ source: 'a', flags: '' }] }, "option 'redact.drop' has an entry an object"],
    [{ presets: 'urls' }, "option 'redact.presets' is 'urls'; give an array"],
    [
      { presets: ['urls', 'secrets'] },
      "option 'redact.presets' has an entry 'secrets'; give some of credentials, personal, urls.",
    ],
    [{ presets: ['constructor'] }, "has an entry 'constructor'"],
    [{ presets: [null] }, 'has an entry null'],
    [{ maskWith: 0 }, "option 'redact.maskWith' is 0; give a string"],
    [{ masks: ['a'] }, "option 'redact.masks' is unknown; there are keep, drop, mask, presets"],
  ])('are refused: %j', (rules, message) => {
    expect(refused(rules)).toContain(message);
  });
});

describe('the preset credentials', () => {
  const { of } = resolveRedaction({ presets: ['credentials'] })!;

  it.each([
    'http.request.header.authorization',
    'http.request.header.proxy-authorization',
    'http.request.header.proxy_authorization',
    'http.request.header.cookie',
    'http.response.header.set-cookie',
    'http.response.header.set_cookie',
    'http.request.header.x-api-key',
    'http.request.header.x_api_key',
    'http.request.header.apikey',
    'http.request.header.x-goog-api-key',
    'http.request.header.x-amz-security-token',
    'http.request.header.x-auth-token',
    'http.request.header.x-csrf-token',
    'http.request.header.X-Vault-Token',
    'rpc.grpc.request.metadata.authorization',
    'rpc.request.metadata.x-api-key',
    'db.connection_string',
    'password',
    'db.password',
    'app.user_password',
    'smtp.pwd',
    'oauth.access_token',
    'oauth.accessToken',
    'oauth.refresh-token',
    'token',
    'session.token',
    'client_secret',
    'aws.secret.access_key',
    'app.apiKey',
    'app.private_key',
    'jwt',
  ])('masks %s', (key) => {
    expect(of(key).action).toBe('mask');
  });

  it('masks, of all conventional keys, only what holds credentials', () => {
    expect(CONVENTIONAL.length).toBeGreaterThan(500);
    expect(CONVENTIONAL.filter((key) => of(key).action !== 'none')).toEqual([
      'db.connection_string',
    ]);
  });

  it.each([
    'http.request.header.content-type',
    'http.request.header.accept',
    'http.response.header.www-authenticate',
    'gen_ai.usage.input_tokens',
    'app.tokens',
    'app.secretary',
    'app.bypass',
    'app.monkey',
  ])('leaves %s', (key) => {
    expect(of(key).action).toBe('none');
  });
});

describe('the preset personal', () => {
  const { of } = resolveRedaction({ presets: ['personal'] })!;

  it('drops these conventional keys', () => {
    expect(CONVENTIONAL.filter((key) => of(key).action === 'drop').sort()).toEqual([
      'app.installation.id',
      'client.address',
      'client.mac.address',
      'device.id',
      'enduser.id',
      'enduser.pseudo.id',
      'enduser.role',
      'enduser.scope',
      'geo.continent.code',
      'geo.country.iso_code',
      'geo.locality.name',
      'geo.location.lat',
      'geo.location.lon',
      'geo.postal_code',
      'geo.region.iso_code',
      'http.client_ip',
      'net.peer.ip',
      'net.sock.peer.addr',
      'network.peer.address',
      'network.peer.mac.address',
      'session.id',
      'session.previous_id',
      'source.address',
      'source.mac.address',
      'tls.client.certificate',
      'tls.client.certificate_chain',
      'tls.client.subject',
      'user.email',
      'user.full_name',
      'user.hash',
      'user.id',
      'user.name',
      'user.roles',
    ]);
  });

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip'])(
    'drops the header %s',
    (name) => {
      expect(of(`http.request.header.${name}`).action).toBe('drop');
      expect(of(`http.request.header.${name.replaceAll('-', '_')}`).action).toBe('drop');
    },
  );
});

describe('the preset urls', () => {
  const redaction = resolveRedaction({ presets: ['urls'], maskWith: '***' })!;

  it('looks at these keys', () => {
    expect(CONVENTIONAL.filter((key) => redaction.of(key).action !== 'none').sort()).toEqual([
      'browser.document.url.full',
      'cicd.pipeline.run.url.full',
      'cicd.pipeline.task.run.url.full',
      'cicd.worker.url.full',
      'db.connection_string',
      'db.query.text',
      'db.statement',
      'exception.message',
      'exception.stacktrace',
      'http.target',
      'http.url',
      'url.fragment',
      'url.full',
      'url.original',
      'url.query',
      'vcs.repository.url.full',
    ]);
    expect(redaction.of('http.request.header.referer').action).toBe('rewrite');
    expect(redaction.of('http.response.header.location').action).toBe('rewrite');
  });

  it.each([
    ['https://host/path?a=1&b=2#c', 'https://host/path?a=1&b=2#c'],
    ['https://user:pass@host/', 'https://***:***@host/'],
    ['https://user@host/', 'https://***@host/'],
    ['https://u:p@ss@host/p@th', 'https://***:***@host/p@th'],
    ['https://host/@user?mail=a@b', 'https://host/@user?mail=a@b'],
    ['connect to amqp://u:p@mq:5672 failed', 'connect to amqp://***:***@mq:5672 failed'],
    ['a://u:p@x b://v:q@y', 'a://***:***@x b://***:***@y'],
    ['/p?access_token=abc&x=1', '/p?access_token=***&x=1'],
    ['/p?x=1&TOKEN=abc#frag', '/p?x=1&TOKEN=***#frag'],
    ['sig=abc%3D&Signature=x', 'sig=***&Signature=***'],
    ['?AWSAccessKeyId=AK&Expires=1', '?AWSAccessKeyId=***&Expires=1'],
    ['?X-Amz-Signature=1&X-Amz-Date=2', '?X-Amz-Signature=***&X-Amz-Date=2'],
    ['?X-Goog-Credential=1&X-Goog-Signature=2', '?X-Goog-Credential=***&X-Goog-Signature=***'],
    ['#access_token=a.b.c&state=1', '#access_token=***&state=1'],
    ['api_key=1&apikey=2&api-key=3&key=4', 'api_key=***&apikey=***&api-key=***&key=4'],
    ['client_secret=a&password=b&pwd=c&jwt=d', 'client_secret=***&password=***&pwd=***&jwt=***'],
    ['tokens=1&monkey=2&design=3&compass=4', 'tokens=1&monkey=2&design=3&compass=4'],
    ["ALTER USER x SET password = 'a b', n = 1", 'ALTER USER x SET password = ***, n = 1'],
    ['WHERE (token="a;b") AND x=1', 'WHERE (token=***) AND x=1'],
    ['password="never ends & x=1', 'password=***'],
    ['Server=h;User Id=u;Password=p;', 'Server=h;User Id=u;Password=***;'],
    ['password=', 'password='],
    ['', ''],
  ])('%s becomes %s', (text, expected) => {
    expect(redaction.rewrite(text)).toBe(expected);
  });

  it('goes through texts made to be slow in one pass', () => {
    const n = 200_000;
    for (const unit of ['a', '://', '=', 'a=', '"', "x='", 'password="', '%', ' =', '://u', 'a.']) {
      expect(redaction.rewrite(unit.repeat(n)).length).toBeGreaterThan(0);
    }
  }, 20_000);
});
