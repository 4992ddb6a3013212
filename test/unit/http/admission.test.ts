import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../src/model/loopback.ts';
import { checkExposure, urlHost } from '../../../src/http/address.ts';
import {
  bearerChallenge,
  createPlaceCheck,
  createTokenCheck,
  type PlaceOptions,
} from '../../../src/http/admission.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const NOTHING = { allowedHosts: [], publicHost: undefined, allowedOrigins: [] };

/** The error code that the headers lead to, or `admitted`. */
function verdict(
  { token, ...options }: Partial<PlaceOptions> & { readonly token?: string },
  headers: Record<string, string>,
): string {
  try {
    const authenticates = token !== undefined;
    createPlaceCheck({ host: '127.0.0.1', authenticates, ...NOTHING, ...options })(headers);
    void createTokenCheck(token)(headers);
    return 'admitted';
  } catch (error) {
    return error instanceof BridgeError ? error.code : String(error);
  }
}

describe('the Host header', () => {
  it.each([
    ['127.0.0.1', 'localhost:8080', 'admitted'],
    ['127.0.0.1', 'LOCALHOST', 'admitted'],
    ['127.0.0.1', '127.0.0.1:8080', 'admitted'],
    ['127.0.0.1', '[::1]:8080', 'admitted'],
    ['::1', '[::1]', 'admitted'],
    ['127.0.0.2', '127.0.0.2:1', 'admitted'],
    ['127.0.0.1', 'evil.example', 'forbidden'],
    ['127.0.0.1', 'localhost.evil.example', 'forbidden'],
    ['127.0.0.1', '10.0.0.1', 'forbidden'],
    ['127.0.0.1', '', 'forbidden'],
  ])('on %s: %s is %s', (host, header, expected) => {
    expect(verdict({ host }, { host: header })).toBe(expected);
  });

  it('is in the error that refuses it, so that the log shows what a proxy sends', () => {
    const check = createPlaceCheck({ host: '127.0.0.1', authenticates: false, ...NOTHING });
    expect(() => check({ host: 'bridges' })).toThrow('The Host header is "bridges", which');
    expect(() => check({ host: `x${'"'.repeat(500)}` })).toThrow(
      /^The Host header is "x(?:\\"){98}…", which/,
    );
    expect(() => check({ host: 'localhost', origin: 'https://a.example' })).toThrow('"https://a.example"');
  });

  it('may name a configured host, with any port unless one is given', () => {
    const options = { host: '0.0.0.0', token: 't', allowedHosts: ['Bridge.example', 'other.example:9000'] };
    const of = (host: string): string => verdict(options, { host, authorization: 'Bearer t' });
    expect(of('bridge.example')).toBe('admitted');
    expect(of('bridge.example:8080')).toBe('admitted');
    expect(of('other.example:9000')).toBe('admitted');
    expect(of('other.example:9001')).toBe('forbidden');
    expect(of('localhost:8080')).toBe('admitted');
    expect(of('10.0.0.1')).toBe('forbidden');
  });

  it('is free on a network address whose requests carry a token', () => {
    const headers = { host: 'bridge.internal:8080', authorization: 'Bearer t' };
    expect(verdict({ host: '0.0.0.0', token: 't' }, headers)).toBe('admitted');
  });

  it('must be a valid host from any sender', () => {
    const headers = { host: 'a host', authorization: 'Bearer t' };
    expect(verdict({ host: '0.0.0.0', token: 't' }, headers)).toBe('forbidden');
  });

  it('must be an address on a network address without a token', () => {
    expect(verdict({ host: '0.0.0.0' }, { host: '10.1.2.3:8080' })).toBe('admitted');
    expect(verdict({ host: '::' }, { host: '[fd00::1]:8080' })).toBe('admitted');
    expect(verdict({ host: '0.0.0.0' }, { host: 'rebound.example:8080' })).toBe('forbidden');
  });
});

describe('the Origin header', () => {
  it.each([
    ['http://localhost:3000', 'admitted'],
    ['https://127.0.0.1', 'admitted'],
    ['http://[::1]:5173', 'admitted'],
    ['https://evil.example', 'forbidden'],
    ['http://localhost.evil.example', 'forbidden'],
    ['null', 'forbidden'],
    ['', 'forbidden'],
    ['file://', 'forbidden'],
  ])('on loopback: %s is %s', (origin, expected) => {
    expect(verdict({}, { host: 'localhost', origin })).toBe(expected);
  });

  it('may be a configured one: exactly, or by its host', () => {
    const options = { allowedOrigins: ['https://App.example', 'host.example'] };
    const of = (origin: string): string => verdict(options, { host: 'localhost', origin });
    expect(of('https://app.example')).toBe('admitted');
    expect(of('http://app.example')).toBe('forbidden');
    expect(of('https://app.example:444')).toBe('forbidden');
    expect(of('http://host.example:8080')).toBe('admitted');
  });

  it('is never a loopback page where the bridge serves the network', () => {
    const headers = { host: 'h', authorization: 'Bearer t', origin: 'http://localhost:3000' };
    expect(verdict({ host: '0.0.0.0', token: 't' }, headers)).toBe('forbidden');
  });
});

describe('the token', () => {
  it.each([
    ['Bearer right', 'admitted'],
    ['bearer   right', 'admitted'],
    ['Bearer wrong', 'unauthorized'],
    ['Bearer right2', 'unauthorized'],
    ['Bearer righ', 'unauthorized'],
    ['Bearer ', 'unauthorized'],
    ['Basic right', 'unauthorized'],
    ['right', 'unauthorized'],
  ])('%s is %s', (authorization, expected) => {
    expect(verdict({ token: 'right' }, { host: 'localhost', authorization })).toBe(expected);
  });

  it('is asked for after Host and Origin', () => {
    expect(verdict({ token: 'right' }, { host: 'evil.example' })).toBe('forbidden');
    expect(verdict({ token: 'right' }, { host: 'localhost', origin: 'https://evil.example' })).toBe(
      'forbidden',
    );
    expect(verdict({ token: 'right' }, { host: 'localhost' })).toBe('unauthorized');
  });

  it('is challenged for, and called invalid when one was sent', () => {
    const error = { code: 'unauthorized', message: 'No "such" token.' } as const;
    expect(bearerChallenge(error, undefined)).toBe('Bearer realm="dify-mcp-bridge"');
    const metadata = { scope: undefined, resource_metadata: 'https://bridge.example.com/m' };
    expect(bearerChallenge(error, 'Bearer x', metadata)).toBe(
      'Bearer realm="dify-mcp-bridge", error="invalid_token", error_description="No such token.", resource_metadata="https://bridge.example.com/m"',
    );
    expect(bearerChallenge({ ...error, code: 'insufficient_scope' }, 'Bearer x', { scope: 'a b' })).toContain(
      'error="insufficient_scope", error_description="No such token.", scope="a b"',
    );
    expect(bearerChallenge({ ...error, code: 'forbidden' }, undefined)).toBeUndefined();
  });
});

describe('a verifier', () => {
  const check = createTokenCheck('fake-token', undefined, [
    { verify: async () => undefined },
    { verify: async (token, path) => (token === 'issued' ? { principal: `user at ${path}` } : undefined) },
  ]);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('is asked only about what is not the token, which is checked at once', async () => {
    expect(check(bearer('fake-token'), '/mcp')).toEqual({ principal: expect.stringMatching(/^token-/) });
    expect(await check(bearer('issued'), '/mcp/support')).toEqual({ principal: 'user at /mcp/support' });
    await expect(check(bearer('other'), '/mcp')).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('requires a token, also where there is no other', () => {
    const only = createTokenCheck(undefined, undefined, [{ verify: async () => undefined }]);
    expect(() => only({})).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  });
});

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['localhost', true],
    ['::1', true],
    ['[::1]', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.0.0.1.evil.example', false],
    ['10.0.0.1', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('is in brackets in a URL if it is IPv6', () => {
    expect([urlHost('::1'), urlHost('127.0.0.1')]).toEqual(['[::1]', '127.0.0.1']);
  });

  it('is refused without a token if others can reach it, naming the ways out', () => {
    const message = expect.objectContaining({
      code: 'config_invalid',
      rule: expect.objectContaining({ exit: 2 }),
      hint: expect.stringMatching(/keys create.*http\.token \(DIFY_BRIDGE_TOKEN\).*http\.allowWithoutToken/),
    });
    expect(() => checkExposure({ host: '0.0.0.0', authenticates: false, allowWithoutToken: false })).toThrow(
      message,
    );
    checkExposure({ host: '0.0.0.0', authenticates: true, allowWithoutToken: false });
    checkExposure({ host: '0.0.0.0', authenticates: false, allowWithoutToken: true });
    checkExposure({ host: '127.0.0.1', authenticates: false, allowWithoutToken: false });
  });
});
