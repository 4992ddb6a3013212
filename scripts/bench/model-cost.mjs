// Measures what a model reads: the list of a fixed set of tools, and the results of fixed calls. The figures are the same
// in every run. Tokens are estimated as the bridge estimates them, because results contain random IDs, whose tokens vary.
// Usage: npm run build && node scripts/bench/model-cost.mjs
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { estimatedTokens } from '../../dist/registry/cost.js';
import { builtinProvider } from '../../dist/sandbox/provider.js';
import { declaredProviders, listTools, OFFICIAL, withBridge } from '../interop/catalogue.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const DECLARATIONS = pathOf('../../test/fixtures/declarations/plugins.jsonl');
const WITHOUT_CREDENTIALS = ['paperkite/mole_codehost/mole_codehost'];
/** The plugins of a running Dify, 33 tools of which have no credentials: what the list of a workspace once cost. */
const RECORDED = pathOf('../../../shared/dify/recordings-1.16.1/console/tools-builtin.json');
const AUTHORIZED_SINCE = ['langgenius/sqlite/sqlite'];
const TEXT = {
  data: Buffer.from('Kites rise against the wind.\n').toString('base64'),
  filename: 'kites.txt',
};
const KINDS = ['png', 'docx', 'csv', 'wav', 'no extension', 'pdf', 'chinese name', 'empty'];

/** Calls by the tool set of the sandbox, with its settings. */
const CALLS = [
  {
    tools: 'demo',
    calls: [
      ['time__weekday', { year: 2026, month: 11, day: 22 }],
      ['paperkite_studio__draw_chart', { values: [3, 5, 2], title: 'Visitors' }],
      ['api_Pet_store__listPets', {}],
      ['api_Pet_store__getPet', { petId: 99 }],
      ['mcp_library-desk__search_books', { query: 'harbour' }],
      ['workflow__compare_texts', { first: 'a b c', second: 'a b d' }],
      ['workflow__text_report', { document: TEXT }],
      ['workflow__text_report', { document: { uri: 'kites.txt' } }],
      ['paperkite_studio__draw_chart', { value: [3] }],
      ['paperkite_mishaps__break_midway', {}],
      ['paperkite_postbox__send_letter', { to: 'Ada', body: 'Hello' }],
    ],
  },
  { tools: 'demo', env: { DIFY_BRIDGE_TOOLS_MODE: 'search' }, calls: [['search_tools', { query: 'pet' }]] },
  {
    tools: 'files',
    calls: [
      ['paperkite_samples__give_files', { kinds: KINDS }],
      ['workflow__echo_file', { file: TEXT }],
    ],
  },
  {
    tools: 'long',
    env: { DIFY_BRIDGE_TOOLS_HAND_OFF: '1s' },
    calls: [['workflow__slow_report', { seconds: 3 }]],
  },
];

/** The figures that may only fall. */
export const GOALS = JSON.parse(readFileSync(pathOf('model-cost.json'), 'utf8'));

/** Resolves with bytes and tokens of the lists and of the results; without their declarations, two lists are absent. */
export async function modelCost() {
  const declared = await withBridge(
    { tools: declaredProviders(DECLARATIONS, WITHOUT_CREDENTIALS) },
    listTools,
  );
  const official = existsSync(OFFICIAL)
    ? await withBridge({ tools: declaredProviders(OFFICIAL) }, listTools)
    : undefined;
  const workspace = existsSync(RECORDED)
    ? await withBridge({ tools: recordedProviders() }, listTools)
    : undefined;
  const results = [];
  for (const { calls, ...set } of CALLS) {
    await withBridge(set, async (client) => {
      for (const [name, args] of calls) {
        const result = await client.callTool({ name, arguments: args });
        results.push({ call: name, arguments: args, ...costOf(result) });
      }
    });
  }
  return {
    list: { tools: declared.length, ...costOf(declared) },
    ...(official !== undefined && { official: { tools: official.length, ...costOf(official) } }),
    ...(workspace !== undefined && { workspace: { tools: workspace.length, ...costOf(workspace) } }),
    results: { calls: results.length, ...total(results) },
    each: results,
  };
}

function recordedProviders() {
  return JSON.parse(readFileSync(RECORDED, 'utf8')).response.json.map((provider) =>
    builtinProvider(provider.name, {
      label: provider.label.en_US,
      description: provider.description.en_US,
      credentialFields:
        provider.is_team_authorization || AUTHORIZED_SINCE.includes(provider.name) ? [] : ['api_key'],
      tools: provider.tools.map((declaration) => ({ declaration, run: async function* () {} })),
    }),
  );
}

/** Pictures and sounds have a price of their own. */
function costOf(value) {
  const json = JSON.stringify(value, (key, item) => (key === 'data' ? undefined : item));
  return { bytes: Buffer.byteLength(json), tokens: estimatedTokens(json) };
}

function total(costs) {
  const sum = (field) => costs.reduce((all, cost) => all + cost[field], 0);
  return { bytes: sum('bytes'), tokens: sum('tokens') };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await modelCost(), null, 2));
