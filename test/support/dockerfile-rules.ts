/** One instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of a Dockerfile, without comments. */
export function parseDockerfile(text: string): readonly Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line) && line.trim() !== '')
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => {
      const [name = '', ...rest] = line.trim().split(' ');
      return { name: name.toUpperCase(), rest: rest.join(' ').trim() };
    });
}

/** The words of an instruction in exec form; undefined for the shell form. */
export function execForm(rest: string): readonly string[] | undefined {
  try {
    const words = JSON.parse(rest.replace(/^(--\S+ )*(CMD )?/, '')) as unknown;
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a Dockerfile. */
export function dockerfileProblems(text: string): readonly string[] {
  const instructions = parseDockerfile(text);
  const problems: string[] = [];
  const all = (name: string): readonly string[] =>
    instructions.filter((one) => one.name === name).map(({ rest }) => rest);
  const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  const final = instructions.slice(lastFrom);
  const last = (name: string): string | undefined => final.findLast((one) => one.name === name)?.rest;

  const args = new Map(all('ARG').map((rest) => rest.split('=') as [string, string]));
  const stages = all('FROM').map((rest) => rest.split(/ as /i)[1]);
  for (const rest of all('FROM')) {
    const image = (rest.split(' ')[0] ?? '').replace(
      /^\$\{(\w+)\}$/,
      (_all, name: string) => args.get(name) ?? '',
    );
    if (!/:\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(image)) {
      problems.push(`the base image ${image} is not pinned to a release`);
    }
  }
  if (stages.length < 2) problems.push('there is no stage to build in');
  const user = last('USER');
  if (user === undefined || !/^[1-9]\d*(:[1-9]\d*)?$/.test(user)) {
    problems.push('the program does not run as a user with a number other than 0');
  }
  for (const name of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK']) {
    const rest = last(name);
    if (rest === undefined) problems.push(`${name} is missing`);
    else if (execForm(rest) === undefined) problems.push(`${name} is not in exec form`);
  }
  if (!last('HEALTHCHECK')?.includes('/readyz')) problems.push('HEALTHCHECK does not ask /readyz');
  for (const { name, rest } of instructions) {
    if (name === 'ADD') problems.push('ADD takes archives and addresses: use COPY');
    if (name === 'COPY' && /(^|\s)\.\/?\s/.test(rest)) problems.push('COPY takes the whole folder');
    if ((name === 'ENV' || name === 'ARG') && /(KEY|TOKEN|PASSWORD|SECRET)\w*=/.test(rest)) {
      problems.push(`${name} puts a secret into the image`);
    }
  }
  if (final.some(({ name }) => name === 'RUN')) problems.push('the last stage runs something');
  for (const { rest } of final.filter(({ name }) => name === 'COPY')) {
    const from = /^--from=(\S+)/.exec(rest)?.[1];
    if (from !== undefined && !stages.includes(from)) problems.push(`there is no stage ${from}`);
  }
  return problems;
}

/** What is wrong with the list of what goes to the builder, given what the Dockerfile copies from there. */
export function ignoreProblems(ignore: string, dockerfile: string): readonly string[] {
  const lines = ignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const problems: string[] = [];
  if (lines[0] !== '*') problems.push('it does not begin with * and so is no list of what goes in');
  for (const line of lines.slice(1)) {
    if (!line.startsWith('!')) problems.push(`${line} leaves something out again`);
    if (/^!(\*|\.env|\.git\b|test|node_modules)/.test(line)) problems.push(`${line} lets too much in`);
  }
  const allowed = lines.slice(1).map((line) => line.replace(/^!/, '').replace(/\/\*.*$/, ''));
  const copied = parseDockerfile(dockerfile)
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  for (const file of copied) if (!allowed.includes(file)) problems.push(`${file} is copied and left out`);
  for (const file of allowed) if (!copied.includes(file)) problems.push(`${file} goes in and is not copied`);
  return problems;
}
