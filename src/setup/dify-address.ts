import { isIP } from 'node:net';
import { type SignInWays, waysOf } from '../dify/console/sign-in.ts';
import type { DifyAnswer } from '../dify/wire/answer.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import { endedWithoutAnswer } from '../dify/wire/network-errors.ts';
import { isSince } from '../dify/wire/release.ts';
import { header } from '../dify/wire/reply.ts';
import { BridgeError } from '../model/errors.ts';
import { isLoopback } from '../model/loopback.ts';

/** A Dify at an address, open for a sign-in. */
export interface FoundDify {
  /** The base of its console, without a trailing slash. */
  readonly url: string;
  readonly http: DifyHttp;
  readonly ways: SignInWays;
  readonly version: string | undefined;
  /** Who else can read the traffic if it is not encrypted: others on the local network, or on the internet. */
  readonly readers: 'nobody' | 'network' | 'internet';
}

export const DIFY_CLOUD = 'https://cloud.dify.ai';

const TIMEOUT_MS = 15_000;
const FEATURES = '/console/api/system-features';
/** Pages and APIs of Dify, which people copy with the address. */
const PAGES =
  /\/(apps?|signin|signup|install|explore|datasets|tools|plugins|account|workflow|console|console\/api|v1|api|files|mcp)(\/.*)?$/;
/** Addresses and names that only a network of its own has. */
const PRIVATE = /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\.|\.(local|lan|internal|home|intranet|arpa)$/;
const FIRST =
  'Type the address as your browser shows it while you use Dify, such as https://dify.example.com.';

/** Finds the Dify that a person means. Rejects with what is at the address instead, and what to try. */
export async function findDify(text: string, signal: AbortSignal): Promise<FoundDify> {
  let firstError: BridgeError | undefined;
  const tried = new Set<string>();
  const open = candidatesOf(text);
  for (let url = open.shift(); url !== undefined; url = open.shift()) {
    if (tried.has(url)) continue;
    tried.add(url);
    const http = createDifyHttp({ baseUrl: url });
    try {
      const found = await look(url, http, signal);
      if (typeof found !== 'string') return found;
      open.unshift(found);
      await http.close();
    } catch (error) {
      await http.close();
      if (!(error instanceof BridgeError) || signal.aborted) throw error;
      // A server that answered says more than one that could not be reached.
      const isFirst = firstError === undefined || firstError.code === 'upstream_unreachable';
      if (isFirst) firstError = atAddress(error, url);
    }
  }
  throw firstError ?? new BridgeError('usage', 'There is no address.', { hint: FIRST });
}

/** Returns the addresses to try for what a person typed or pasted, the likeliest first. Throws `usage`. */
export function candidatesOf(text: string): string[] {
  const typed = text.trim().replace(/^[<"'`]+|[>"'`]+$/g, '');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(typed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw new BridgeError('usage', `${scheme}:// is not the address of a Dify.`, { hint: FIRST });
  }
  const bare = scheme === undefined ? typed.replace(/^\/+/, '') : typed;
  const probe = scheme === undefined ? `https://${bare}` : bare;
  const url = URL.canParse(probe) ? new URL(probe) : undefined;
  if (url === undefined || url.hostname === '' || /\s/.test(bare)) {
    throw new BridgeError('usage', 'This is not an address.', { hint: FIRST });
  }
  if (url.username !== '' || url.password !== '') {
    throw new BridgeError('usage', 'The address must not contain a user name or a password.', {
      hint: 'Type it without them; the next questions ask for your account.',
    });
  }
  if (/(^|\.)dify\.ai$/.test(url.hostname) && url.origin !== DIFY_CLOUD && url.hostname !== 'cloud.dify.ai') {
    const what = url.hostname.startsWith('marketplace.') ? "Dify's marketplace" : 'a site of Dify';
    throw new BridgeError('upstream_wrong_address', `${url.hostname} is ${what}, not a Dify to sign in to.`, {
      hint: `Dify Cloud is ${DIFY_CLOUD}. A Dify of your own has another address.`,
    });
  }
  if (url.hostname === 'cloud.dify.ai') return [DIFY_CLOUD];
  const paths = [url.pathname.replace(PAGES, ''), ''].map((path) => path.replace(/\/+$/, ''));
  const schemes = scheme === undefined ? likelySchemes(url) : [url.protocol];
  return [...new Set(schemes.flatMap((one) => paths.map((path) => `${one}//${hostOf(url, one)}${path}`)))];
}

/** Without a scheme, a name of the internet is most likely served over TLS, and a machine nearby is not. */
function likelySchemes({ hostname, port }: URL): readonly string[] {
  const isNear = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || !hostname.includes('.');
  return isNear || port !== '' ? ['http:', 'https:'] : ['https:', 'http:'];
}

/** A port that is the default of the other scheme disappears when a URL is parsed. */
function hostOf(url: URL, scheme: string): string {
  return new URL(`${scheme}//${url.host}`).host;
}

/** Returns the Dify at an address, or another address that this one redirects to. */
async function look(url: string, http: DifyHttp, signal: AbortSignal): Promise<FoundDify | string> {
  const answer = await http.send({ method: 'GET', path: FEATURES, signal, timeoutMs: TIMEOUT_MS });
  const moved = movedTo(answer, url);
  if (moved !== undefined) {
    await answer.discard();
    return moved;
  }
  const isJson = header(answer, 'content-type')?.includes('json') === true;
  const ways = answer.status === 200 && isJson ? waysOf(await answer.json()) : undefined;
  if (ways === undefined) throw await notDify(answer, url);
  if (isSince(answer.version, '1.0.0') === false) {
    const message = `Dify ${answer.version} at ${url} is older than 1.0.0 and cannot run single tools.`;
    throw new BridgeError('upstream_rejected', message, { hint: 'Upgrade Dify.' });
  }
  const { protocol, hostname } = new URL(url);
  const isPrivate = !hostname.includes('.') || PRIVATE.test(hostname);
  const isSafe = protocol === 'https:' || isLoopback(hostname);
  const readers = isSafe ? 'nobody' : isPrivate ? 'network' : 'internet';
  return { url, http, ways, version: answer.version, readers };
}

/** Returns the https address of the same server; undefined if the answer is no such redirect. */
function movedTo({ status, headers }: DifyAnswer, url: string): string | undefined {
  const location = [headers['location'] ?? ''].flat()[0] ?? '';
  if (status < 300 || status >= 400 || location === '') return undefined;
  const from = new URL(url);
  const target = URL.canParse(location, `${url}/`) ? new URL(location, `${url}/`) : from;
  const isSame = target.hostname === from.hostname && target.pathname.endsWith(FEATURES);
  if (!isSame || target.protocol !== 'https:' || from.protocol === 'https:') return undefined;
  return `${target.origin}${target.pathname.slice(0, -FEATURES.length)}`;
}

/** Returns the error that says what answers at an address. Discards the rest of the answer. */
async function notDify(answer: DifyAnswer, url: string): Promise<BridgeError> {
  const { status, headers, path } = answer;
  const text = (await answer.text(4096)).toLowerCase();
  const location = [headers['location'] ?? ''].flat()[0];
  const wrong = (message: string, hint: string): BridgeError =>
    new BridgeError('upstream_wrong_address', message, { hint, upstream: { status, path } });
  if (headers['cf-mitigated'] !== undefined || /captcha|turnstile/.test(text)) {
    const hint =
      'Let the page pass /console/api for this machine, or use an address that leads to Dify itself.';
    return wrong(`${url} answers with a captcha, which only a browser can answer.`, hint);
  }
  if (location !== undefined && status >= 300 && status < 400) {
    const to = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const where = to === undefined ? 'elsewhere' : `to ${to.origin}${to.pathname}`;
    return wrong(
      `${url} redirects ${where}, for example to a login page in front of Dify.`,
      'Use the address where the redirect ends if Dify is there. A login page in front of Dify must let /console/api pass.',
    );
  }
  if (text.includes('plain http request was sent to https port')) {
    return wrong(`${url} expects https.`, `Use https:// instead of http://.`);
  }
  if (status === 401 || status === 403) {
    return wrong(
      `A server in front of Dify refuses the request to ${url} (${status}).`,
      'Let it pass /console/api for this machine, or use an address that leads to Dify itself.',
    );
  }
  if (status >= 500) {
    const hint = "Check that Dify's api service is running, and try again in a minute.";
    const message = `${url} answers ${status}: Dify is down or still starting.`;
    return new BridgeError('upstream_unavailable', message, { hint, upstream: { status, path } });
  }
  if (text.includes('welcome to nginx')) return wrong(`${url} is the start page of nginx, not Dify.`, FIRST);
  const isWebApp = text.includes('dify') || text.includes('/_next/');
  const hint = isWebApp
    ? `This may be Dify's web app, whose console API has an address of its own (CONSOLE_API_URL in Dify's .env): use that one.`
    : FIRST;
  return wrong(`What answers at ${url} is not Dify (${status}).`, hint);
}

/** Returns an error of the network with hints for somebody who types an address. */
function atAddress(error: BridgeError, url: string): BridgeError {
  const { code, message, upstream, cause, hint } = error;
  if (code !== 'upstream_unreachable' && code !== 'upstream_wrong_address') return error;
  if (hint?.includes('DIFY_API_URL') !== true && !endedWithoutAnswer(error)) return error;
  const isTls = message.includes('TLS');
  const isHttp = code === 'upstream_wrong_address';
  const other = isTls
    ? `If Dify has no certificate there, use http:// instead of https://: ${url.replace('https:', 'http:')}`
    : `Check that Dify is running, and that the address, with its http:// or https://, is the one in your browser's bar.`;
  return new BridgeError(code, message, { hint: isHttp ? FIRST : other, upstream, cause });
}
