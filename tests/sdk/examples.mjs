// examples/ai-sdk/agent.mts, talked to by a person and answered by the AI SDK's own model for tests: see examples.py.
//
//   node examples.mjs BINARY FOLDER URL
//
// The program is TypeScript without an annotation, so it runs as it stands; beside node_modules, because it is imported from there.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { MockLanguageModelV3 } from 'ai/test';

const [binary, folder] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const copy = join(here, 'node_modules', '.examples', 'agent.mjs');
const run = 'examples/ai-sdk';
let current = 'is read';

async function check(what, holds) {
  current = what;
  await holds();
  console.log(`ok   ${run}: ${what}`);
}

/** What a model says, one after the other: a tool with its arguments, or a text. It is sent what it is told then. */
function* script() {
  const { data } = JSON.parse(yield ['create_contact', { name: 'Ada King', emails: ['ada@engine.example'] }]);
  yield [null, 'Ada King is in your contacts.'];
  for (;;) {
    const said = JSON.parse(yield ['delete_contact', { contact: data.id }]);
    yield [null, said.error ? 'I left it.' : 'It is done.'];
  }
}

/** The text of the last message: of the person, or of a tool's answer. */
function told(prompt) {
  const [part] = prompt.at(-1).content.slice(-1);
  if (part.type === 'text') return part.text;
  return part.output.type === 'content' ? part.output.value[0].text : (part.output.value.content?.[0].text ?? part.output.value);
}

function model(seen) {
  const steps = script();
  let begun = false;
  return new MockLanguageModelV3({
    doGenerate: async ({ prompt, tools }) => {
      seen.system = prompt[0].content;
      seen.tools = tools.map(tool => tool.name);
      const [tool, what] = (begun ? steps.next(told(prompt)) : steps.next()).value;
      begun = true;
      const content = tool
        ? { type: 'tool-call', toolCallId: `call-${prompt.length}`, toolName: tool, input: JSON.stringify(what) }
        : { type: 'text', text: what };
      const none = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0, text: 0, reasoning: 0 };
      const finishReason = { unified: tool ? 'tool-calls' : 'stop', raw: undefined };
      return { content: [content], finishReason, usage: { inputTokens: none, outputTokens: none }, warnings: [] };
    },
  });
}

/** A home folder in which `bureau` is a program and has no database yet. */
function home(name) {
  const own = join(folder, name);
  mkdirSync(join(own, 'bin'), { recursive: true });
  symlinkSync(binary, join(own, 'bin', 'bureau'));
  process.env.HOME = own;
  process.env.PATH = join(own, 'bin') + delimiter + process.env.PATH;
  delete process.env.XDG_DATA_HOME;
}

/** The contacts that are not deleted. */
async function kept() {
  const client = await createMCPClient({ transport: new StdioTransport({ command: 'bureau', args: ['stdio'] }) });
  try {
    const tools = await client.tools();
    const answer = await tools.search_contacts.execute({ query: 'Ada King' }, { toolCallId: '1', messages: [] });
    return JSON.parse(answer.content[0].text).data.map(row => row.name);
  } finally {
    await client.close();
  }
}

try {
  mkdirSync(dirname(copy), { recursive: true });
  copyFileSync(join(here, '..', '..', 'examples', 'ai-sdk', 'agent.mts'), copy);
  const { talk } = await import(copy);
  const seen = {};
  await check('keeps a contact, and deletes it with a yes and not without', async () => {
    home('example-ai-sdk');
    const again = async () => {
      assert.deepEqual(await kept(), ['Ada King']);
      return 'Delete her';
    };
    const lines = ['Add Ada King', 'Delete her', 'n', again, 'y', ''];
    const shown = [];
    const read = async prompt => {
      shown.push(prompt);
      const line = lines.shift();
      return typeof line === 'function' ? line() : line;
    };
    await talk(model(seen), read, text => shown.push(text));
    assert.deepEqual(await kept(), []);
    assert.equal(shown.filter(line => /delete.*Ada King/i.test(line)).length, 2, `the person is asked: ${shown}`);
  });
  await check('tells the model the rules, and gives it the tools of the named groups', async () => {
    assert.match(seen.system, /confirm_token/);
    for (const tool of ['create_contact', 'create_activity', 'undo_change']) assert.ok(seen.tools.includes(tool), tool);
    assert.ok(!seen.tools.includes('create_invoice'));
  });
} catch (error) {
  console.log(`FAIL ${run}: ${current}: ${String(error?.message ?? error).replaceAll(/\s+/g, ' ').slice(0, 500)}`);
  process.exitCode = 1;
}
