import { parseDuration } from '../../src/config/units.ts';

/** As much of a compose file as the rules look at. */
export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
}

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly string[];
  readonly volumes?: readonly string[];
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

/** Returns what is wrong with the file that runs the bridge; `variables` are those of its bridge.env. */
export function composeProblems(
  compose: Compose,
  variables: Readonly<Record<string, string>>,
): readonly string[] {
  const { mcp_bridge: bridge } = compose.services;
  if (bridge === undefined) return ['there is no service mcp_bridge'];
  const problems: string[] = [];
  const expect = (holds: boolean | undefined, problem: string): void => {
    if (holds !== true) problems.push(problem);
  };
  const { ports = [], volumes = [] } = bridge;
  const environment: Readonly<Record<string, string>> = { ...variables, ...bridge.environment };
  const isMounted = (path: string, from: string): boolean => {
    const mount = volumes.find((each) => path.startsWith(`${each.split(':')[1]}/`));
    return mount?.startsWith(`./mcp-bridge/${from}:`) === true && mount.endsWith(':ro');
  };
  expect(/:\d+\.\d+\.\d+$/.test(bridge.image ?? ''), 'the image is not pinned to a release');
  expect(
    environment['DIFY_API_URL'] === 'http://api:5001',
    'DIFY_API_URL is not the address of the api service',
  );
  expect(bridge.networks?.includes('default'), "the bridge is not in Dify's network");
  expect(
    bridge.env_file?.join() === './mcp-bridge/bridge.env',
    'the variables of bridge.env do not reach it',
  );
  expect(
    isMounted(environment['DIFY_BRIDGE_CONFIG'] ?? '', 'config'),
    'its configuration file is not mounted',
  );
  expect('DIFY_BRIDGE_TOKEN_FILE' in environment, 'no client needs a token');
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
  for (const [variable, value] of Object.entries(environment)) {
    expect(!SECRET.test(variable), `${variable} is a variable instead of a file`);
    if (variable.endsWith('_FILE')) expect(isMounted(value, 'secrets'), `${variable} is not mounted`);
  }
  return problems;
}
