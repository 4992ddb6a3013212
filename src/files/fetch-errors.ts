import { durationText } from '../model/duration.ts';
import { BridgeError, systemErrorCode } from '../model/errors.ts';

const GIVE_OTHERWISE = 'Give a publicly reachable address, or the file itself as data.';
const ASK_OPERATOR = `${GIVE_OTHERWISE} An operator can allow the host in files.allowedNetworks.`;

function refused(message: string, hint: string = GIVE_OTHERWISE, cause?: unknown): BridgeError {
  return new BridgeError('file_refused', message, { hint, cause });
}

/** Why a file cannot be fetched. */
export const fetchErrors = {
  notAnAddress: () => refused('The url is not a web address.'),
  notSecure: (host: string) =>
    refused(
      `The address at ${host} does not begin with https://, and the bridge fetches no others.`,
      'Give an https address, or the file itself as data. An operator can set files.allowHttp.',
    ),
  hasCredentials: (host: string) =>
    refused(`The address at ${host} carries a user name or password, which the bridge does not send.`),
  /** The URL has a literal private address. For host names, `leadsToPrivate` hides the resolved address. */
  isPrivate: (host: string) =>
    refused(`${host} is a private or local address, which the bridge does not fetch from.`, ASK_OPERATOR),
  leadsToPrivate: (host: string) =>
    refused(
      `The host name ${host} leads to a private or local address, which the bridge does not fetch from.`,
      ASK_OPERATOR,
    ),
  unknownHost: (host: string, cause: unknown) =>
    refused(`The host name ${host} cannot be resolved.`, 'Check the address.', cause),
  tooManyRedirects: (host: string, max: number) => refused(`${host} redirects more than ${max} times.`),
  badRedirect: (host: string) => refused(`${host} redirects without a target.`),
  badStatus: (host: string, status: number) =>
    refused(`${host} answers with status ${status} instead of the file.`),
  isEncoded: (host: string) =>
    refused(`${host} sends the file compressed, although the bridge asked for it uncompressed.`),
  unreachable: (host: string, cause: unknown) =>
    refused(`No file came from ${host}: ${reasonOf(cause)}.`, GIVE_OTHERWISE, cause),
  brokenOff: (host: string, cause: unknown) =>
    refused(
      `${host} closed the connection in the middle of the file.`,
      'Call again, or give the file itself as data.',
      cause,
    ),
  tooSlow: (host: string, ms: number) =>
    refused(
      `${host} did not send the whole file within ${durationText(ms)}.`,
      'Give a smaller file or a faster address; the limit is the setting files.fetchTimeout.',
    ),
  isSilent: (host: string, ms: number) =>
    refused(`${host} sent nothing for ${durationText(ms)}.`, 'Call again, or give the file itself as data.'),
  isTooLarge: (host: string, maxBytes: number, size?: number) =>
    new BridgeError(
      'file_too_large',
      size === undefined
        ? `The file at ${host} is larger than the ${maxBytes} bytes that the bridge accepts.`
        : `The file at ${host} has ${size} bytes, and the bridge accepts at most ${maxBytes}.`,
      { hint: 'Give a smaller file. The operator of the bridge can raise files.maxInputBytes.' },
    ),
  /** The bridge could not store the file temporarily. */
  cannotBeStored: (cause: unknown) =>
    refused(
      `The bridge could not write the file to its disk (${systemErrorCode(cause)}).`,
      'Give a smaller file, or the file itself as data. The operator of the bridge must check its file folder (files.dir).',
      cause,
    ),
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closed the connection',
  EHOSTUNREACH: 'it has no route',
  ENETUNREACH: 'it has no route',
  ETIMEDOUT: 'it does not answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

function reasonOf(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code = (first as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code.startsWith('HPE_')) return 'it does not speak HTTP';
  return (
    REASONS[code] ??
    (/CERT|SIGNATURE|SSL|EPROTO/.test(code) ? 'its certificate is not accepted' : 'the connection failed')
  );
}
