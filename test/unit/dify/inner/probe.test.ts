import { afterEach, describe, expect, test } from 'vitest';
import { probeInnerKey, probeVersion } from '../../../../src/dify/inner/probe.ts';
import { bodyOf, recordings, sharedNote } from '../../../support/shared.ts';
import {
  type Handler,
  idleSignal,
  INNER_KEY,
  type Loopback,
  loopback,
  sendJson,
  TENANT,
} from '../../../support/dify-wire.ts';
import { errorOf } from '../../../support/error-of.ts';

let server: Loopback | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(handler: Handler): Promise<Loopback> {
  server = await loopback(handler);
  return server;
}

const PAGE = '<!doctype html><html></html>';

describe('the version of Dify', () => {
  const probe = async (handler: Handler) => probeVersion((await serve(handler)).http, idleSignal());

  test('comes from the ping, with the clock', async () => {
    const { version, serverDate } = await probe((request, response) => {
      expect(request.url).toBe('/console/api/ping');
      response.setHeader('date', 'Tue, 03 Mar 2026 10:00:00 GMT');
      sendJson(response, 200, { result: 'pong' });
    });
    expect(version).toBe('1.12.1');
    expect(serverDate?.toISOString()).toBe('2026-03-03T10:00:00.000Z');
  });

  test('comes from the health route where the console is kept away', async () => {
    const result = await probe((request, response) => {
      response.sendDate = false;
      if (request.url === '/console/api/ping') {
        response.writeHead(404, { 'content-type': 'text/html' }).end(PAGE);
      } else {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"pid":1,"status":"ok","version":"1.9.0"}');
      }
    });
    expect(result).toEqual({ version: '1.9.0', serverDate: undefined });
  });

  test.each<[string, Handler, string]>([
    [
      'the web app',
      (_q, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE),
      'upstream_wrong_address',
    ],
    [
      'nginx without routes',
      (_q, response) => response.writeHead(404, { 'content-type': 'text/html' }).end(PAGE),
      'upstream_wrong_address',
    ],
    [
      'the plugin daemon',
      (_q, response) => response.writeHead(404).end('404 page not found'),
      'upstream_wrong_address',
    ],
    ['a server of texts', (_q, response) => response.end('hello'), 'upstream_wrong_address'],
    [
      'a login before it',
      (_q, response) => response.writeHead(302, { location: 'https://sso.example.com/' }).end(),
      'upstream_wrong_address',
    ],
    [
      'a gateway without Dify',
      (_q, response) => response.writeHead(502, { 'content-type': 'text/html' }).end(PAGE),
      'upstream_unreachable',
    ],
  ])('cannot be read from an answer of another server: %s', async (_name, handler, code) => {
    expect((await errorOf(probe(handler))).code).toBe(code);
  });

  test('cannot be read where nothing listens', async () => {
    const { http, close } = await loopback(() => undefined);
    await close();
    expect((await errorOf(probeVersion(http, idleSignal()))).code).toBe('upstream_unreachable');
  });
});

describe('the inner key', () => {
  const options = { innerApiKey: INNER_KEY, tenantId: TENANT };
  const probe = async (handler: Handler) => probeInnerKey((await serve(handler)).http, options, idleSignal());
  const refuse =
    (status: number, code: string): Handler =>
    (_request, response) =>
      sendJson(response, status, { code, message: 'no', status });

  test('is accepted by a request that runs no tool', async () => {
    await probe((request, response, body) => {
      expect(request.url).toBe('/inner/api/upload/file/request');
      expect(request.headers['x-inner-api-key']).toBe(INNER_KEY);
      expect(JSON.parse(body.toString())).toMatchObject({ tenant_id: TENANT, user_id: '' });
      sendJson(response, 200, { data: { url: '/files/upload/for-plugin?sign=x' }, error: '' });
    });
  });

  test('that Dify refuses leads to the setting of the key', async () => {
    const error = await errorOf(probe(refuse(404, 'not_found')));
    expect(error.code).toBe('upstream_unauthorized');
    expect(error.toText()).toContain('DIFY_INNER_API_KEY');
    expect(error.toText()).not.toContain(INNER_KEY);
  });

  test('with an unknown workspace leads to the setting of the workspace', async () => {
    const error = await errorOf(probe(refuse(400, 'invalid_param')));
    expect(error.code).toBe('upstream_unauthorized');
    expect(error.message).toContain(TENANT);
    expect(error.hint).toContain('DIFY_WORKSPACE_ID');
  });

  test('cannot be checked through an nginx that does not pass the inner API on', async () => {
    const page: Handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    };
    expect((await errorOf(probe(page))).code).toBe('upstream_wrong_address');
  });

  test('may not be set up in Dify', async () => {
    expect((await errorOf(probe(refuse(401, 'not_setup')))).code).toBe('upstream_not_ready');
  });
});

test(`the version is read from the recorded answers${sharedNote}`, async () => {
  const answers = new Map(recordings('status').map((entry) => [entry.request.path, entry]));
  const isReplay = answers.size > 0;
  const { http } = await serve((request, response) => {
    const entry = answers.get(request.url ?? '');
    if (entry === undefined) sendJson(response, 200, {});
    else response.writeHead(entry.response.status, { 'x-version': entry.dify_version }).end(bodyOf(entry));
  });
  expect((await probeVersion(http, idleSignal())).version).toBe('1.12.1');
  expect(isReplay).toBe(sharedNote === '');
});
