// Publishes by HTTP, without any library: one message, then two as one batch.
const url = "http://127.0.0.1:7447/v1/topics/greetings/messages";

async function publish(body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(`${result.code}: ${result.message}`);
  return result;
}

console.log((await publish({ data: { hello: "http" }, key: "ben" })).offset);
console.log((await publish({ messages: [{ data: { hello: "one" } }, { data: { hello: "two" } }] })).offsets[0].first);
