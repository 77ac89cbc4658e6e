/** A POST route of Fastify that takes any body and answers 201. */
import { fastify } from "fastify";

const app = fastify({ logger: false, keepAliveTimeout: 0, bodyLimit: 16 * 1024 * 1024 });

app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.post("/", (_request, reply) => reply.code(201).send({ stored: true }));

const address = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`port ${new URL(address).port}`);
