import { isIP } from 'node:net';

/** Whether only this machine reaches a host, which may be the `hostname` of a URL, with brackets around IPv6. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host === '::1' ||
    host === '[::1]' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}
