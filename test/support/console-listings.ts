/** Listings of the console API in Dify's shapes, with invented content. */

export const text = (value: string): Record<string, string> => ({
  en_US: value,
  zh_Hans: value,
  pt_BR: value,
  ja_JP: value,
});

/** A parameter as `tools/<type>` has it: optional keys are null, `input_schema` is absent. */
export function wireParameter(name: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    label: text(name),
    placeholder: null,
    scope: null,
    auto_generate: null,
    template: null,
    required: false,
    default: null,
    min: null,
    max: null,
    precision: null,
    options: [],
    type: 'string',
    human_description: text(`human ${name}`),
    form: 'llm',
    llm_description: `llm ${name}`,
    ...fields,
  };
}

export function wireTool(name: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    author: 'nobody',
    name,
    label: text(name),
    description: text(`does ${name}`),
    parameters: [wireParameter('q')],
    labels: [],
    output_schema: {},
    ...fields,
  };
}

export function wireProvider(
  type: string,
  id: string,
  tools: readonly unknown[],
  fields: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    id,
    author: 'nobody',
    name: id,
    plugin_id: null,
    plugin_unique_identifier: '',
    description: text(`provider ${id}`),
    icon: 'http://127.0.0.1:5001/icon',
    icon_dark: '',
    label: text(id),
    type,
    team_credentials: {},
    is_team_authorization: true,
    allow_delete: false,
    tools,
    labels: [],
    ...fields,
  };
}

/** One workspace: every type has at least one provider. */
export const listings: Readonly<Record<'builtin' | 'workflow' | 'api' | 'mcp', readonly unknown[]>> = {
  builtin: [
    wireProvider('builtin', 'time', [wireTool('current_time'), wireTool('weekday')]),
    wireProvider('builtin', 'acme/kit/kit', [wireTool('draw')], { plugin_id: 'acme/kit' }),
    wireProvider('builtin', 'acme/keyed/keyed', [wireTool('look_up')], { is_team_authorization: false }),
  ],
  workflow: [
    wireProvider('workflow', '0a2b6f1e-1111-4222-8333-444455556666', [wireTool('summarise')], {
      name: 'Summarise',
      workflow_app_id: '0a2b6f1e-1111-4222-8333-777788889999',
    }),
  ],
  api: [
    wireProvider('api', '9c0de1aa-1111-4222-8333-444455556666', [wireTool('getPet'), wireTool('pet_post')]),
  ],
  mcp: [wireProvider('mcp', 'my-server', [wireTool('mixed')], { name: 'My server' })],
};

/** The routes that answer a listing, by `METHOD path`. */
export function listingRoutes(): Record<string, { json: unknown }> {
  const routes: Record<string, { json: unknown }> = {};
  for (const [type, providers] of Object.entries(listings)) {
    routes[`GET /console/api/workspaces/current/tools/${type}`] = { json: providers };
  }
  return routes;
}
