import { describe, expect, it } from 'vitest';
import { Secrets } from '../../../src/model/secrets.ts';
import * as fc from '../../support/fast-check.ts';

const json = (text: string): string => JSON.stringify(text).slice(1, -1);
/** As Python writes JSON. */
const ascii = (text: string): string =>
  json(text).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
const html = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');
const numbered = (text: string): string =>
  Array.from(text, (character) => (/\w/.test(character) ? character : `&#${character.codePointAt(0)};`)).join(
    '',
  );

/** The forms in which a server's text may contain a secret. */
const QUOTED: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'in JSON': json,
  'in JSON in JSON': (secret) => json(json(secret)),
  'in JSON of Python': ascii,
  'in JSON of Python, in JSON': (secret) => json(ascii(secret)),
  'in a URL': encodeURIComponent,
  'in a URL in a URL': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'in a form': (secret) => new URLSearchParams([['', secret]]).toString().slice(1),
  'in a web page': html,
  'in a web page, as numbers': numbered,
  'in a web page in JSON': (secret) => json(html(secret)),
  'in JSON in a web page': (secret) => html(json(secret)),
  'in a web page twice': (secret) => html(html(secret)),
  'in Base64': (secret) => Buffer.from(secret).toString('base64'),
};

const character = fc.constantFrom(...Array.from('aZ09 "\\/+&<>\'=.%$^*()[]{}|?-_#;:éß語😀'));
const secret = fc.array(character, { minLength: 6, maxLength: 20 }).map((characters) => characters.join(''));

describe('secrets', () => {
  it.each(Object.entries(QUOTED))('are masked %s', (_, quote) => {
    fc.assert(
      fc.property(secret, (text) => {
        // The padding of Base64 says nothing.
        expect(new Secrets([text]).mask(`<${quote(text)}>`)).toMatch(/^<\[redacted\]=*>$/);
      }),
    );
  });

  it('are masked wherever they are, the longer one as a whole', () => {
    const secrets = new Secrets(['fake-key', 'fake-key-long', 'short']);
    secrets.remember('fake-token');
    expect(secrets.mask('a fake-key-long, fake-key, fake-token and a short fake')).toBe(
      'a [redacted], [redacted], [redacted] and a short fake',
    );
  });

  it('that came up later are forgotten when many have come, those that are configured never', () => {
    const secrets = new Secrets(['configured']);
    secrets.remember('in-use-still');
    secrets.remember('out-of-use');
    for (let index = 0; index < 60; index += 1) {
      secrets.remember(`token-${index}`);
      secrets.remember('in-use-still');
    }
    expect(secrets.mask('configured in-use-still token-59 out-of-use')).toBe(
      '[redacted] [redacted] [redacted] out-of-use',
    );
  });

  it('of others are recognised by their context; ordinary words are not', () => {
    const mask = (text: string): string => new Secrets().mask(text);
    expect(mask('/files/a.png?timestamp=1&nonce=n&sign=Zm9v%3D')).toBe(
      '/files/a.png?timestamp=1&nonce=[redacted]&sign=[redacted]',
    );
    expect(mask('Authorization: Bearer abc.def-123')).toBe('Authorization: Bearer [redacted]');
    expect(mask('Authorization: bearer abcdefghijklmnopqrst')).toBe('Authorization: Bearer [redacted]');
    expect(mask('Error 111 connecting to redis://:fake!pw@redis:6379/1 at http://api:5001/a@b:c@d')).toBe(
      'Error 111 connecting to redis://:[redacted]@redis:6379/1 at http://api:5001/a@b:c@d',
    );
    const words = 'Invalid bearer token. A sign of the times: no token=, no signature.';
    expect(mask(words)).toBe(words);
  });

  it('take no long time to look for in a hostile text', () => {
    const secrets = new Secrets(['\\"\\"\\"\\"', '\\'.repeat(9), '"&quot;"', 'fake-key']);
    expect(secrets.mask('a\\\\'.repeat(50_000))).toHaveLength(150_000);
    expect(new Secrets(['\\"\\"\\"\\"']).mask('\\'.repeat(100_000))).toHaveLength(100_000);
    expect(secrets.mask('&amp;'.repeat(100_000))).toHaveLength(500_000);
    expect(secrets.mask('%25'.repeat(100_000))).toHaveLength(300_000);
    expect(secrets.mask(`://${'a:'.repeat(100_000)}`)).toHaveLength(200_003);
    expect(secrets.mask('://a:'.repeat(50_000))).toHaveLength(250_000);
  });
});
