import { text } from 'node:stream/consumers';
import { ESLint } from 'eslint';

/** Standard input: `[path, text][]`. Standard output: of each, the names of the rules that it breaks. */
const eslint = new ESLint({ cwd: `${import.meta.dirname}/../..` });
const given = JSON.parse(await text(process.stdin)) as readonly (readonly [path: string, text: string])[];
const broken: (readonly (string | null)[])[] = [];
for (const [path, content] of given) {
  const [result] = await eslint.lintText(content, { filePath: path });
  const messages = result?.messages ?? [];
  broken.push(messages.map(({ ruleId, message, fatal }) => (fatal ? message : ruleId)));
}
console.log(JSON.stringify(broken));
