import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import type { NetworkPolicy } from './network-policy.ts';
import { fetchErrors as errors } from './fetch-errors.ts';

/** Resolves with all addresses of a host name; rejects if it has none. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** Resolves as the system does, including its hosts file. */
export const systemResolver: Resolver = async (host) => {
  const found = await systemLookup(host, { all: true });
  return found.map(({ address }) => address);
};

/** Returns the addresses of a host, to connect to without resolving it again. Rejects unless every one is allowed. */
export async function allowedAddresses(
  url: URL,
  policy: NetworkPolicy,
  resolver: Resolver,
): Promise<readonly string[]> {
  // The URL parser has normalised every notation of an IPv4 address.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) {
    if (!policy.isAllowed(host)) throw errors.isPrivate(url.hostname);
    return [host];
  }
  const addresses = await resolver(host).catch((error: unknown) => {
    throw errors.unknownHost(host, error);
  });
  if (addresses.length === 0) throw errors.unknownHost(host, undefined);
  if (!policy.isNamed(host) && !addresses.every((address) => policy.isAllowed(address))) {
    throw errors.leadsToPrivate(host);
  }
  return addresses;
}

export function fixedLookup(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    const [first] = all;
    if (options.all === true) done(null, all);
    else done(null, first?.address ?? '', first?.family ?? 0);
  };
}
