import type { Redaction, Treatment } from '../buffer/shape.ts';
import { group, invalid, list, refused, refusedEntry, shown } from './checks.ts';
import type { KeyPatterns, PreparedRedaction, RedactionPreset, RedactionRules } from './options.ts';

type Action = Treatment['action'];
type Rule = readonly [Action, readonly RegExp[]];

/** Keys inside maps whose treatment is remembered, in all. */
const MAX_MEMBERS = 4096;

/** Names of credentials: a whole segment of a key, or the end of one. */
const SECRET =
  /(?:^|[._-])(?:(?:access|refresh|auth|id|api|session|csrf|xsrf|bearer|security|client|shared|private|secret)[._-]?)?(?:token|secret|credentials?)$|(?:^|[._-])(?:password|passwd|passphrase|pwd|authorization|cookie|jwt|(?:api|private|secret|access)[_-]?key)$/i;

/** Of URLs and connection strings only: a key may well end in `.signature`. */
const SECRET_PARAMETER = /(?:^|[._-])(?:pass|auth|sig|signature|awsaccesskeyid)$/i;

const CREDENTIALS: KeyPatterns = [
  /\.(?:header|metadata)\.(?:.*[_-])?(?:authorization|cookie2?|token|secret|password|credential|api[_-]?key)/i,
  SECRET,
  'db.connection_string',
];

const PERSONAL: KeyPatterns = [
  'user.*',
  'enduser.*',
  'client.address',
  'client.mac.address',
  'source.address',
  'source.mac.address',
  'network.peer.address',
  'network.peer.mac.address',
  'net.peer.ip',
  'net.sock.peer.addr',
  'http.client_ip',
  'geo.*',
  'session.id',
  'session.previous_id',
  'device.id',
  'app.installation.id',
  'tls.client.subject',
  'tls.client.certificate*',
  /\.header\.(?:forwarded|from|(?:x[_-]|cf[_-]|true[_-])?(?:forwarded[_-]for|real[_-]ip|client[_-]ip|connecting[_-]ip))$/i,
];

/** Keys of texts that may hold URLs, or parameters like those of URLs. */
const URL_TEXTS: KeyPatterns = [
  'url.full',
  '*.url.full',
  'url.original',
  'url.query',
  'url.fragment',
  'http.url',
  'http.target',
  // Of log records.
  'body',
  /\.header\.(?:referer|location|content[_-]location)$/i,
  'db.query.text',
  'db.statement',
  'db.connection_string',
  'exception.message',
  'exception.stacktrace',
];

const PRESETS: Readonly<Record<RedactionPreset, readonly [Action, KeyPatterns]>> = {
  credentials: ['mask', CREDENTIALS],
  personal: ['drop', PERSONAL],
  urls: ['rewrite', URL_TEXTS],
};

/** `user:password@` behind `://`. A text is gone through once: no `/` is passed over. */
const USER_INFO = /:\/\/[^\s/?#"'<>]*@/g;

/** In every text in which a credential has a name: most have none and need no second look. */
const HINT = /tok|sec|cred|pass|pwd|auth|cook|jwt|key|sig/i;

/** `name=value`, the value quoted or up to what ends one in a query, a header or a statement. */
const PARAMETER = /(^|[^\w.%-])([\w.%-]{1,128})(\s?=\s?)("[^"]*"?|'[^']*'?|[^\s&;#,"'<>)]+)/g;

/** One expression for all strings, and the user's own without the flags that have state. */
function compile(patterns: KeyPatterns): RegExp[] {
  const texts = patterns.filter((each) => typeof each === 'string');
  const compiled = patterns
    .filter((each) => typeof each !== 'string')
    .map(({ source, flags }) => new RegExp(source, flags.replace(/[gy]/g, '')));
  if (texts.length > 0) {
    const sources = texts.map((text) =>
      text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replace(/\*+/g, '.*'),
    );
    compiled.push(new RegExp(`^(?:${sources.join('|')})$`, 'is'));
  }
  return compiled;
}

function checkedPatterns(option: string, patterns: KeyPatterns): RegExp[] {
  for (const each of list<unknown>(option, patterns, 'attribute keys')) {
    if (each instanceof RegExp || (typeof each === 'string' && each !== '')) continue;
    throw refusedEntry(
      option,
      shown(each),
      'attribute keys, with * for any characters, or regular expressions',
    );
  }
  return compile(patterns);
}

/**
 * Checks the rules and makes them ready for `start({ redact })`. Rules that keep nothing back cost
 * nothing.
 *
 * @throws OtlpError `invalid_option`
 */
export function redaction(rules: RedactionRules): PreparedRedaction {
  // A rule that is misspelt would let through what it is to keep back.
  const {
    keep = [],
    drop = [],
    mask = [],
    presets = [],
    maskWith = 'REDACTED',
    ...rest
  } = group('redact', rules) as RedactionRules;
  for (const name in rest) {
    throw invalid(
      `option 'redact.${name.slice(0, 80)}' is unknown; there are keep, drop, mask, presets and maskWith.`,
    );
  }
  if (typeof maskWith !== 'string') throw refused('redact.maskWith', maskWith, 'a string');
  const ordered: Rule[] = [
    ['keep', checkedPatterns('redact.keep', keep)],
    ['drop', checkedPatterns('redact.drop', drop)],
    ['mask', checkedPatterns('redact.mask', mask)],
  ];
  const names = Object.keys(PRESETS) as RedactionPreset[];
  for (const name of list('redact.presets', presets, 'their names')) {
    if (names.includes(name)) continue;
    throw refusedEntry('redact.presets', shown(name), `some of ${names.join(', ')}`);
  }
  for (const name of names) {
    const [action, patterns] = PRESETS[name];
    if (presets.includes(name)) ordered.push([action, compile(patterns)]);
  }
  const some = ordered.filter(([action, patterns]) => action !== 'keep' && patterns.length > 0);
  return () => (some.length > 0 ? redactionBy(ordered, maskWith) : undefined);
}

function redactionBy(rules: readonly Rule[], mask: string): Redaction {
  const counts = { dropped: 0, masked: 0, rewritten: 0 };
  let membersLeft = MAX_MEMBERS;

  const decide = (key: string): Action =>
    rules.find(([, patterns]) => patterns.some((pattern) => pattern.test(key)))?.[0] ?? 'none';

  function treatment(path: string, action: Action): Treatment {
    const members = new Map<string, Treatment>();
    const self: Treatment = {
      action,
      within(name) {
        if (action === 'keep') return self;
        let inner = members.get(name);
        if (inner === undefined) {
          const own = decide(`${path}.${name}`);
          // A text inside a value that is rewritten is rewritten too.
          inner = treatment(`${path}.${name}`, own === 'none' ? action : own);
          if (membersLeft > 0) {
            membersLeft--;
            members.set(name, inner);
          }
        }
        return inner;
      },
    };
    return self;
  }

  return {
    mask,
    counts,
    of: (key) => treatment(key, decide(key)),
    rewrite(text) {
      let rewritten = text;
      if (text.includes('@')) {
        rewritten = text.replace(USER_INFO, (found) =>
          found.includes(':', 1) ? `://${mask}:${mask}@` : `://${mask}@`,
        );
      }
      if (HINT.test(text)) {
        rewritten = rewritten.replace(PARAMETER, (found, before: string, name, equals) =>
          SECRET.test(name) || SECRET_PARAMETER.test(name) ? before + name + equals + mask : found,
        );
      }
      if (rewritten !== text) counts.rewritten++;
      return rewritten;
    },
  };
}
