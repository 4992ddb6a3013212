import { parseDuration } from '../../src/config/units.ts';

/** As much of a compose file as the rules look at. */
export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
}

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

/** Variables that are as secret as a key of the bridge. */
const SECRET = /(KEY|TOKEN|PASSWORD)$/;

/** Returns what is wrong with the overlay that runs the bridge next to Dify. */
export function composeProblems(compose: Compose): readonly string[] {
  const { mcp_bridge: bridge, ...others } = compose.services;
  if (bridge === undefined) return ['there is no service mcp_bridge'];
  const problems: string[] = [];
  const expect = (holds: boolean | undefined, problem: string): void => {
    if (holds !== true) problems.push(problem);
  };
  const { environment = {}, ports = [] } = bridge;
  expect(/:\d+\.\d+\.\d+$/.test(bridge.image ?? ''), 'the image is not pinned to a release');
  expect(
    environment['DIFY_API_URL'] === 'http://api:5001',
    'DIFY_API_URL is not the address of the api service',
  );
  expect(bridge.networks?.includes('default'), "the bridge is not in Dify's network");
  expect(bridge.depends_on !== undefined && 'api' in bridge.depends_on, 'it does not wait for api');
  expect(
    /^\$\{\w+:\?.+\}$/.test(environment['DIFY_BRIDGE_TOKEN'] ?? ''),
    'DIFY_BRIDGE_TOKEN is not asked for',
  );
  expect(!('DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN' in environment), 'it serves without a token');
  expect(
    ports.every((port) => port.startsWith('127.0.0.1:')),
    'a port is open to other machines',
  );
  expect(
    ports.some((port) => port.endsWith(':8080')),
    'the port of the bridge is not published',
  );
  expect(bridge.read_only, 'the root file system can be written');
  expect(bridge.privileged !== true, 'it is privileged');
  expect(bridge.cap_drop?.includes('ALL'), 'it keeps capabilities');
  expect(bridge.security_opt?.includes('no-new-privileges:true'), 'it may gain privileges');
  const grace = parseDuration(bridge.stop_grace_period ?? '') ?? 0;
  const calls = parseDuration(environment['DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE'] ?? '10s') ?? 0;
  expect(grace > calls, 'Docker kills it before running calls had their time');
  for (const [name, service] of Object.entries(compose.services)) {
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      if (SECRET.test(variable) && !/^\$\{\w+:[?-].*\}$/.test(value)) {
        problems.push(`${name}: ${variable}is in the file`);
      }
    }
  }
  for (const [name, service] of Object.entries(others)) {
    expect(
      service.image === undefined && service.ports === undefined,
      `${name} is changed in more than variables`,
    );
  }
  return problems;
}
