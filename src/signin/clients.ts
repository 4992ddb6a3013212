import { withoutInvisible } from '../model/invisible-characters.ts';
import { isLoopback } from '../model/loopback.ts';

/** Where a client asks to send the person, and with it the code. */
export type RedirectKind = 'website' | 'this-device' | 'app';

const MAX_NAME = 60;
/** Schemes that a browser runs or shows itself, or that open no particular app. */
const UNSAFE_SCHEMES = new Set([
  'javascript:',
  'vbscript:',
  'data:',
  'blob:',
  'file:',
  'about:',
  'ws:',
  'wss:',
  'ftp:',
  'filesystem:',
  'view-source:',
  // Anybody's phone or mailbox, or an app of the caller's choice.
  'mailto:',
  'sms:',
  'tel:',
  'intent:',
]);

/** Returns the kind of a redirect address; undefined if a code must not be sent there. */
export function redirectKind(uri: string): RedirectKind | undefined {
  if (!URL.canParse(uri)) return undefined;
  const { protocol, hostname, username, password } = new URL(uri);
  if (username !== '' || password !== '' || UNSAFE_SCHEMES.has(protocol)) return undefined;
  if (protocol === 'https:') return 'website';
  // A scheme of an app, such as cursor://.
  if (protocol !== 'http:') return 'app';
  return isLoopback(hostname) ? 'this-device' : undefined;
}

/** Returns whether the operator allows clients that redirect to this address; `hosts` is empty for all of them. */
export function isAllowedRedirect(uri: string, hosts: readonly string[]): boolean {
  const kind = redirectKind(uri);
  if (kind === undefined) return false;
  if (kind === 'this-device' || hosts.length === 0) return true;
  const { hostname, protocol } = new URL(uri);
  const name = kind === 'app' ? protocol : hostname;
  return hosts.some((host) => host.toLowerCase() === name);
}

/** Returns where a redirect address leads, in words for a person. */
export function redirectPlace(uri: string): string {
  const kind = redirectKind(uri);
  const { host, protocol } = new URL(uri);
  if (kind === 'this-device') return 'an app on this device';
  return kind === 'app' ? `the app that opens ${protocol} links` : host;
}

/** Returns the name that a client gives itself, safe to show; undefined if it has none. */
export function shownName(name: string | undefined): string | undefined {
  const clean = withoutInvisible(name ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (clean === '') return undefined;
  return clean.length > MAX_NAME ? `${clean.slice(0, MAX_NAME - 1)}…` : clean;
}
