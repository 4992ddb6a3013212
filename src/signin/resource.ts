/**
 * Returns whether a resource contains an address: the same origin, and the same path or one below it. A token for the
 * resource is valid there.
 */
export function covers(resource: string, address: string): boolean {
  if (!URL.canParse(resource) || !URL.canParse(address)) return false;
  const [outer, inner] = [new URL(resource), new URL(address)];
  if (outer.origin !== inner.origin || inner.username !== '' || inner.password !== '') return false;
  if (`${outer.search}${outer.hash}${inner.search}${inner.hash}` !== '') return false;
  const base = outer.pathname.replace(/\/+$/, '');
  return inner.pathname === base || inner.pathname.startsWith(`${base}/`);
}
