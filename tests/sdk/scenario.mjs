// What every client must be able to do with Bureau, whichever SDK speaks for it.
//
// `open({ era, target, answer })` connects to a target, { url, headers } or { command, args }, in the era `modern` or
// `legacy`, and resolves to { version(), tools(), call(name, arguments), templates(), read(uri), close() }: `tools` resolves
// to the listed tools, `call` to { failed, body } with the parsed JSON of the answer's text, `templates` to the URIs of the
// listed resource templates, `read` to the text of a resource. With `answer` the client declares that it can ask
// its person, and `answer(params)` is what the person says.

import assert from 'node:assert/strict';
import { join } from 'node:path';

const TOOLS = [
  'create_contact',
  'delete_contact',
  'find_duplicate_contacts',
  'get_contact',
  'merge_contacts',
  'search_contacts',
  'update_contact',
];

/** Runs the checks of one client in its eras on both transports, prints a line for each, and sets the exit code. */
export async function main(name, { open, versions, asks }) {
  const [binary, folder, url] = process.argv.slice(2);
  const key = process.env.SDK_TEST_KEY;
  if (!binary || !folder || !url || !key) {
    console.error(`usage: SDK_TEST_KEY=… node ${name}.mjs BINARY FOLDER URL`);
    process.exit(2);
  }
  for (const [era, version] of Object.entries(versions)) {
    for (const transport of ['stdio', 'http']) {
      const run = `typescript-${name}-${era}-${transport}`;
      const own = join(folder, run);
      const target =
        transport === 'http'
          ? { url, headers: { Authorization: `Bearer ${key}` } }
          : {
              command: binary,
              args: ['--database', `sqlite:${own}.sqlite`, '--data-dir', `${own}.data`, '--features=contacts'],
            };
      const connect = answer => open({ era, target, answer });
      await checks(run, connect, version, contactOf(run));
      if (asks.includes(era)) await confirmations(`${run} with elicitation`, connect, contactOf(`${run}-asked`));
    }
  }
}

/** A contact that no other run knows or takes for a duplicate: all HTTP runs share one database. */
function contactOf(run) {
  return {
    first_name: 'Eleonora',
    last_name: 'Vandersteen',
    title: 'Buyer',
    company: `Northwind ${run}`,
    emails: [{ email: `${run}@example.com`, type: 'work' }],
    tags: ['sdk'],
  };
}

/** Connects and takes the steps, a line for each; one that fails ends the run, as the next ones build on it. */
async function checking(run, connect, steps) {
  let current = 'connects';
  const check = async (what, step) => {
    current = what;
    const result = await step();
    console.log(`ok   ${run}: ${what}`);
    return result;
  };
  let connection;
  try {
    connection = await check('connects', connect);
    await steps(connection, check);
  } catch (error) {
    console.log(`FAIL ${run}: ${current}: ${error.message.replaceAll('\n', ' ')}`);
    process.exitCode = 1;
  } finally {
    await connection?.close();
  }
}

function data({ failed, body }) {
  assert.equal(failed, false, `the call failed: ${JSON.stringify(body)}`);
  assert.ok(body.data !== undefined, `no data in ${JSON.stringify(body)}`);
  return body.data;
}

function refused(answer, code, status) {
  assert.equal(answer.failed, true, `not refused: ${JSON.stringify(answer.body)}`);
  assert.equal(answer.body.error?.code, code);
  assert.equal(answer.body.error.status, status);
  assert.ok(answer.body.error.message, 'a refusal says what to do');
}

async function checks(run, connect, version, fields) {
  await checking(run, () => connect(), async (client, check) => {
    await check(`speaks ${version}`, () => assert.equal(client.version(), version));
    await check('lists the contacts tools and no others', async () => {
      const tools = await client.tools();
      assert.deepEqual(tools.map(tool => tool.name), TOOLS);
      for (const tool of tools) assert.equal(tool.inputSchema.type, 'object');
    });
    const contact = await check('creates a contact', async () => {
      const answer = await client.call('create_contact', fields);
      const { id } = data(answer);
      assert.match(id, /^con_/);
      assert.match(answer.body.change, /^chg_/);
      return id;
    });
    await check('finds it by a misspelt name', async () => {
      const rows = data(await client.call('search_contacts', { query: 'Elenora Vanderstein', limit: 100 }));
      assert.ok(rows.some(row => row.id === contact), `${contact} is not among ${rows.length} rows`);
    });
    await check('reads it', async () => {
      const record = data(await client.call('get_contact', { contact }));
      for (const field of ['first_name', 'last_name', 'title']) assert.equal(record[field], fields[field]);
      assert.equal(record.id, contact);
    });
    await check('reads it as a resource', async () => {
      assert.deepEqual(await client.templates(), ['bureau://contacts/{contact}']);
      const record = JSON.parse(await client.read(`bureau://contacts/${contact}`));
      assert.deepEqual([record.id, record.last_name], [contact, fields.last_name]);
    });
    await check('updates it', async () => {
      data(await client.call('update_contact', { contact, title: 'Head of purchasing' }));
      assert.equal(data(await client.call('get_contact', { contact })).title, 'Head of purchasing');
    });
    await check('is refused a deletion without confirmation', async () => {
      refused(await client.call('delete_contact', { contact }), 'CONFIRMATION_REQUIRED', 400);
      assert.equal(data(await client.call('get_contact', { contact })).id, contact);
    });
    await check('deletes it with confirmation', async () => {
      data(await client.call('delete_contact', { contact, confirm: true }));
    });
    await check('does not find it afterwards', async () => {
      refused(await client.call('get_contact', { contact }), 'RESOURCE_NOT_FOUND', 404);
    });
  });
}

async function confirmations(run, connect, fields) {
  const asked = [];
  let reply;
  const answer = params => {
    asked.push(params);
    return reply;
  };
  await checking(run, () => connect(answer), async (client, check) => {
    const contact = await check('creates a contact', async () => data(await client.call('create_contact', fields)).id);
    await check('a declined deletion deletes nothing', async () => {
      reply = { action: 'decline' };
      assert.equal((await client.call('delete_contact', { contact })).failed, true);
      assert.equal(asked.length, 1, 'the person is asked once');
      assert.ok(asked[0].message, 'the question says what it is about');
      assert.equal(asked[0].requestedSchema.properties.confirm.type, 'boolean');
      assert.equal(data(await client.call('get_contact', { contact })).id, contact);
    });
    await check('a deletion that is accepted but not confirmed deletes nothing', async () => {
      reply = { action: 'accept', content: { confirm: false } };
      assert.equal((await client.call('delete_contact', { contact })).failed, true);
      assert.equal(data(await client.call('get_contact', { contact })).id, contact);
    });
    await check('a confirmed deletion deletes', async () => {
      reply = { action: 'accept', content: { confirm: true } };
      data(await client.call('delete_contact', { contact }));
      assert.equal(asked.length, 3, 'the person is asked once for each deletion');
      refused(await client.call('get_contact', { contact }), 'RESOURCE_NOT_FOUND', 404);
    });
  });
}
