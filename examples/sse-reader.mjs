// Reads "greetings" as Server-Sent Events, and goes on behind the last event when the connection ends.
const url = "http://127.0.0.1:7447/v1/topics/greetings/events?from=earliest";

let lastEventId;
for (;;) {
  const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
  try {
    const { body } = await fetch(url, { headers });
    let text = "";
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const events = (text + piece).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const field = (name) => Array.from(event.matchAll(new RegExp(`^${name}: (.*)$`, "gm")), ([, value]) => value);
        lastEventId = field("id")[0] ?? lastEventId;
        // Data with line breaks comes in several lines; a comment has none.
        const message = JSON.parse(field("data").join("\n") || "null");
        if (message !== null) console.log(message.offset, JSON.stringify(message.data));
      }
    }
  } catch (error) {
    console.error(String(error.cause ?? error));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}
