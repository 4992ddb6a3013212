import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;
type Address = ReturnType<typeof ipaddr.parse>;

/** Which hosts the bridge fetches from. */
export interface NetworkPolicy {
  /** Whether the operator named the host, so that it may be anywhere. */
  isNamed(host: string): boolean;
  /** Whether an address, in any notation, is on the public internet or in a network that the operator named. */
  isAllowed(address: string): boolean;
}

/** Of IPv6 only this is on the internet; the rest has ways to write IPv4 addresses into it that no list is sure of. */
const GLOBAL_IPV6: Network = ipaddr.parseCIDR('2000::/3');

/** `allowed`: host names, addresses and networks such as `10.20.0.0/16`. */
export function createNetworkPolicy(allowed: readonly string[]): NetworkPolicy {
  const networks: Network[] = [];
  const hosts = new Set<string>();
  for (const entry of allowed) {
    const network = networkOf(entry);
    if (network === undefined) hosts.add(normalised(entry));
    else networks.push(network);
  }
  const isIn = (address: Address, [base, bits]: Network): boolean =>
    address.kind() === base.kind() && address.match(base, bits);

  return {
    isNamed: (host) => hosts.has(normalised(host)),
    isAllowed(text) {
      if (!ipaddr.isValid(text)) return false;
      // An IPv4 address within IPv6 reaches the same machine as by itself.
      const address = ipaddr.process(text);
      if (networks.some((network) => isIn(address, network))) return true;
      return address.range() === 'unicast' && (address.kind() === 'ipv4' || isIn(address, GLOBAL_IPV6));
    },
  };
}

function networkOf(entry: string): Network | undefined {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (isIP(entry) === 0) return undefined;
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** As host names compare: `Example.COM.` is `example.com`. */
function normalised(host: string): string {
  return new URL(`http://${host}`).hostname.replace(/\.$/, '');
}
