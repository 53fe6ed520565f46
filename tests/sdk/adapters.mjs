// What the AI SDK makes of Bureau's tools for the models of four providers, and a call through it.
//
//   node adapters.mjs BINARY FOLDER URL
//
// No provider is asked: the request that would go out is caught, and the call is made as the model's answer would make it.

import assert from 'node:assert/strict';
import { join } from 'node:path';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';

/** The paths of all parameters that a schema names. */
function properties(schema, path = '') {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, inner]) => [
    `${path}/${name}`,
    ...properties(inner, `${path}/${name}`),
    ...properties(inner.items, `${path}/${name}[]`),
  ]);
}

/** The tools of a request, by name, in whichever form the provider has them. */
const taken = {
  openai: body => body.tools.map(tool => [tool.name, tool.parameters]),
  google: body => body.tools.functionDeclarations?.map(tool => [tool.name, tool.parameters])
    ?? body.tools.flatMap(one => one.functionDeclarations).map(tool => [tool.name, tool.parameters]),
  anthropic: body => body.tools.map(tool => [tool.name, tool.input_schema]),
  mistral: body => body.tools.map(tool => [tool.function.name, tool.function.parameters]),
};

const [binary, folder] = process.argv.slice(2);
const own = join(folder, 'adapters-ai-sdk');
const transport = new StdioTransport({ command: binary, args: ['stdio', '--database', `sqlite:${own}.sqlite`, '--data-dir', `${own}.data`] });
const run = 'ai-sdk';
let current = 'connects';

async function check(what, holds) {
  current = what;
  await holds();
  console.log(`ok   ${run}: ${what}`);
}

let client;
try {
  await check('connects', async () => { client = await createMCPClient({ transport }); });
  const listed = (await client.listTools()).tools;
  const tools = await client.tools();
  for (const [provider, model] of Object.entries({
    openai: fetch => createOpenAI({ apiKey: 'none', fetch }).responses('gpt-5'),
    google: fetch => createGoogleGenerativeAI({ apiKey: 'none', fetch })('gemini-2.5-pro'),
    anthropic: fetch => createAnthropic({ apiKey: 'none', fetch })('claude-sonnet-4-5'),
    mistral: fetch => createMistral({ apiKey: 'none', fetch })('mistral-large-latest'),
  })) {
    await check(`makes a request for ${provider} with every tool and parameter`, async () => {
      let body;
      const caught = new Error('caught');
      const fetch = async (_, request) => {
        body = JSON.parse(request.body);
        throw caught;
      };
      await assert.rejects(generateText({ model: model(fetch), tools, prompt: 'go', maxRetries: 0 }));
      assert.ok(body, 'a request was made');
      const sent = Object.fromEntries(taken[provider](body));
      assert.ok(properties(sent.create_contact).includes('/dry_run'), 'a write can be tried');
      assert.deepEqual(Object.keys(sent).sort(), listed.map(tool => tool.name).sort());
      for (const { name, inputSchema } of listed) {
        assert.deepEqual(properties(sent[name]).sort(), properties(inputSchema).sort(), name);
      }
    });
  }
  await check('passes on that a call is only tried', async () => {
    const call = async (name, args) => JSON.parse((await tools[name].execute(args, { toolCallId: '1', messages: [] })).content[0].text);
    const answer = await call('create_contact', { name: 'Dryrun Probe', dry_run: true });
    assert.deepEqual([answer.data.name, answer.dry_run], ['Dryrun Probe', true]);
    assert.deepEqual((await call('search_contacts', { query: 'Dryrun Probe' })).data, []);
  });
} catch (error) {
  console.log(`FAIL ${run}: ${current}: ${String(error?.message ?? error).replaceAll(/\s+/g, ' ').slice(0, 500)}`);
  process.exitCode = 1;
} finally {
  await client?.close();
}
