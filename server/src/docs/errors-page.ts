/** docs/errors.md, made from the table of error codes. */
import { ERRORS, RETRYABLE_CODES, type ErrorCode, type ErrorRow } from "@ringcast/protocol";

/** The reference page of error codes. */
export function errorsPage(): string {
  return `# Errors

<!-- Made from protocol/src/errors.ts by \`npm run docs\`. A test compares it with the table. -->

A request that fails gets a code, a sentence that says what to do, and \`details\` for programs. Branch on the code, never on the text.

- On a WebSocket: \`{"op":"error","id":…,"code":"…","message":"…","details":{…}}\`; the connection stays open unless a close code is given below.
- Over HTTP: the status below and \`{"code":"…","message":"…","details":{…}}\` as the body. A wrong method is 405, a wrong content type 415, a missing upgrade 426,
  all three with the code \`bad_request\`. Answers with 429 and 503 carry \`Retry-After\`.
- In the SDK: a \`RingcastError\` with \`code\`, \`message\`, \`details\` and \`retryable\`.

*Retryable* means that the same request may succeed later without being changed. A publish whose answer was lost is safe to repeat with
its \`producer\` sequence only.

| code | HTTP | retryable | closes with | meaning |
| --- | --- | --- | --- | --- |
${(Object.entries(ERRORS) as [ErrorCode, ErrorRow][]).map(rowOf).join("")}
## Details

| field | where | meaning |
| --- | --- | --- |
| \`field\` | \`bad_request\`, \`invalid_offset\` | The field, parameter or header that is to blame. |
| \`index\` | errors of a batch | Place of the first message that is to blame, from 0. |
| \`head\` | \`invalid_offset\` | The head of the partition: the largest offset one can begin at. |
| \`expected\` | \`out_of_sequence\` | The sequence that the hub expects next of this producer. |
| \`limit\` | \`too_large\`, \`too_many\` | The limit that was passed. |
| \`retryAfterMs\` | \`rate_limited\` | Milliseconds to wait. |
| \`stored\` | \`unavailable\` | \`no\`: nothing was stored. \`unknown\`: the answer was lost on the way. |

## Close codes

| code | meaning | come back? |
| --- | --- | --- |
| 1001 | The hub is going away, or the connection was silent for \`idleTimeoutMs\`. | yes, after \`reconnectAfterMs\` of \`draining\` where it came |
| 1006 | No close frame came: the network, or a frame that the WebSocket layer itself refused. | yes |
| 1007 | The frame is not JSON. | after mending the client |
| 1008 | The frame is JSON, but no request; or a binary frame in the JSON dialect. After \`forbidden\`: an operator ended the connection. | after mending the client |
| 1009 | The frame is larger than \`maxFrameBytes\`. | with smaller frames |
| 4401 | The token is wrong, expired or revoked, or did not come in time. | with another token |
| 4408 | The socket took no byte for \`stallTimeoutMs\`, or more than 1 MiB of replies wait for it. | yes, and read faster |
`;
}

function rowOf([code, row]: [ErrorCode, ErrorRow]): string {
  const closes = row.closeCode === undefined ? "" : String(row.closeCode);
  return `| \`${code}\` | ${row.status} | ${RETRYABLE_CODES.includes(code) ? "yes" : "no"} | ${closes} | ${row.meaning} |\n`;
}
