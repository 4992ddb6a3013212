import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { candidatesOf, findDify } from '../../../src/setup/dify-address.ts';
import { errorOf } from '../../support/error-of.ts';
import { freePort } from '../../support/free-port.ts';
import { type FrontAnswer, startFront, WEB_PAGE } from '../../support/front.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

const signal = AbortSignal.any([]);
const FEATURES = '/console/api/system-features';

/** The address of a server that answers everything alike. */
async function serverWith(answer: FrontAnswer): Promise<string> {
  const front = await startFront('', { answer: () => answer });
  onTestFinished(() => front[Symbol.asyncDispose]());
  return front.url;
}

describe('what a person types as the address', () => {
  it.for([
    ['https://dify.example.com', ['https://dify.example.com']],
    [' <https://dify.example.com/> ', ['https://dify.example.com']],
    ['https://dify.example.com/apps?category=all#top', ['https://dify.example.com']],
    ['https://dify.example.com/app/4534d949/workflow', ['https://dify.example.com']],
    ['https://dify.example.com/console/api', ['https://dify.example.com']],
    ['https://dify.example.com/v1', ['https://dify.example.com']],
    ['HTTPS://DIFY.example.com:443/signin', ['https://dify.example.com']],
    ['https://example.com/dify/apps', ['https://example.com/dify', 'https://example.com']],
    ['dify.example.com', ['https://dify.example.com', 'http://dify.example.com']],
    ['//dify.example.com', ['https://dify.example.com', 'http://dify.example.com']],
    ['localhost', ['http://localhost', 'https://localhost']],
    ['localhost:8080/apps', ['http://localhost:8080', 'https://localhost:8080']],
    ['192.168.1.7', ['http://192.168.1.7', 'https://192.168.1.7']],
    ['cloud.dify.ai', ['https://cloud.dify.ai']],
    ['http://cloud.dify.ai/apps', ['https://cloud.dify.ai']],
  ] as const)('%s leads to %j', ([text, urls]) => {
    expect(candidatesOf(text)).toEqual(urls);
  });

  it.for([
    ['', 'usage', /not an address/],
    ['my dify', 'usage', /not an address/],
    ['ftp://dify.example.com', 'usage', /ftp:\/\/ is not/],
    ['https://me:secret@dify.example.com', 'usage', /must not contain/],
    ['https://marketplace.dify.ai/plugins', 'upstream_wrong_address', /Dify's marketplace/],
    ['https://docs.dify.ai', 'upstream_wrong_address', /a site of Dify/],
  ] as const)('"%s" is refused', async ([text, code, message]) => {
    const error = await errorOf(findDify(text, signal));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) });
    expect(error.toText()).not.toContain('secret');
  });
});

describe('a Dify at an address', () => {
  it.for(['1.4.1', '1.13.0', '1.17.0'])('is found without a scheme and with a page (%s)', async (version) => {
    const sandbox = await startSandbox({ version });
    sandbox.signIn.offer({ emailCode: true, sso: 'saml', social: true });
    const found = await findDify(`${sandbox.url.slice('http://'.length)}/apps`, signal);
    await found.http.close();
    expect(found).toMatchObject({
      url: sandbox.url,
      version,
      readers: 'nobody',
      ways: { password: true, emailCode: true, elsewhere: ['single sign-on (saml)', 'Google or GitHub'] },
    });
  });

  it('is found below a path of its server, and at its root if the path is a page of something', async () => {
    const sandbox = await startSandbox();
    const front = await startFront(sandbox.url, {
      answer: ({ url = '' }) => (url.startsWith('/console') ? undefined : { status: 404 }),
    });
    onTestFinished(() => front[Symbol.asyncDispose]());
    const found = await findDify(`${front.url}/somewhere`, signal);
    await found.http.close();
    expect(found.url).toBe(front.url);
  });

  it.for<[string, FrontAnswer, RegExp, RegExp]>([
    [
      "nginx's front page",
      { ...WEB_PAGE, body: '<title>Welcome to nginx!</title>' },
      /start page of nginx/,
      /browser/,
    ],
    ['the web app without its API', { ...WEB_PAGE, status: 404 }, /is not Dify \(404\)/, /CONSOLE_API_URL/],
    [
      'JSON of something else',
      { headers: { 'content-type': 'application/json' }, body: '{}' },
      /is not Dify \(200\)/,
      /browser/,
    ],
    [
      'a login page',
      { status: 302, headers: { location: 'https://login.test/start?x=1' } },
      /redirects to https:\/\/login\.test\/start,/,
      /console\/api pass/,
    ],
    [
      'a captcha of Cloudflare',
      { status: 403, headers: { 'cf-mitigated': 'challenge' } },
      /captcha/,
      /console\/api/,
    ],
    [
      'a second login',
      { status: 401, headers: { 'www-authenticate': 'Basic' } },
      /refuses the request .*\(401\)/,
      /console\/api/,
    ],
    [
      'a port for https',
      { status: 400, body: 'The plain HTTP request was sent to HTTPS port' },
      /expects https/,
      /https:\/\//,
    ],
    ['nginx without Dify', { ...WEB_PAGE, status: 502 }, /Dify is down/, /api service/],
  ])('is not found where %s answers', async ([, answer, message, hint]) => {
    const error = await errorOf(findDify(await serverWith(answer), signal));
    expect(error).toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(error.toText()).not.toContain('DIFY_API_URL');
  });

  it('is not found where it is older than 1.0.0', async () => {
    const sandbox = await startSandbox({ version: '0.15.3' });
    const error = await errorOf(findDify(sandbox.url, signal));
    expect(error).toMatchObject({ message: expect.stringContaining('Dify 0.15.3'), hint: 'Upgrade Dify.' });
  });

  it('is not found where nobody answers', async () => {
    const error = await errorOf(findDify(`http://127.0.0.1:${await freePort()}`, signal));
    expect(error.code).toBe('upstream_unreachable');
    expect(error.toText()).toMatch(/connection was refused.*\n.*browser's bar/);
  });

  it('is not found where the connection ends without an answer, and nothing is said of effects', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await errorOf(findDify(`http://127.0.0.1:${port}`, signal));
    expect(error.toText()).toMatch(/closed before an answer came.\n.*with its http:.*browser's bar/);
  });

  it('is not found by https where only http answers, and the password does not fall back to it', async () => {
    const { url } = await startSandbox();
    const error = await errorOf(findDify(url.replace('http:', 'https:'), signal));
    expect(error.hint).toContain(`use http:// instead of https://: ${url}`);
  });

  it('follows its server to https', async () => {
    const url = await serverWith({
      status: 308,
      headers: { location: `https://127.0.0.1:${await freePort()}${FEATURES}` },
    });
    // The https address is the one that is tried, and that nobody answers.
    const error = await errorOf(findDify(url, signal));
    expect(error.message).toMatch(/cannot be reached at 127\.0\.0\.1:\d+: the connection was refused/);
  });
});
