import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;
type Address = ReturnType<typeof ipaddr.parse>;

/** The hosts that the bridge may fetch from. */
export type NetworkPolicy = ReturnType<typeof createNetworkPolicy>;

/** The public part of IPv6. The rest can embed IPv4 addresses in ways that no list covers completely. */
const GLOBAL_IPV6: Network = ipaddr.parseCIDR('2000::/3');

/** Returns the policy. `allowed`: host names, addresses and networks such as `10.20.0.0/16`. */
export function createNetworkPolicy(allowed: readonly string[]) {
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
    /** Returns whether the operator allowed the host by name; it may then be anywhere. */
    isNamed: (host: string): boolean => hosts.has(normalised(host)),
    /** Returns whether an address, in any notation, is public or in a network that the operator allowed. */
    isAllowed(text: string): boolean {
      if (!ipaddr.isValid(text)) return false;
      // An IPv4 address inside an IPv6 address reaches the same machine as by itself.
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

/** Returns a host name in the form for comparison: `Example.COM.` becomes `example.com`. */
function normalised(host: string): string {
  return new URL(`http://${host}`).hostname.replace(/\.$/, '');
}
