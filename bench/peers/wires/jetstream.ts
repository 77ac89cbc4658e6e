/** What JetStream is asked for, as its API wants it (docs.nats.io, "JetStream wire API reference"). */

export interface ApiRequest {
  readonly subject: string;
  readonly body: string;
}

/** A stream of its own for each topic, as the hub has a log for each: in a file, oldest records first to go. */
export function newStream(topic: string, maxBytes: number): ApiRequest {
  const name = streamOf(topic);
  return {
    subject: `$JS.API.STREAM.CREATE.${name}`,
    body: JSON.stringify({
      name,
      subjects: [topic],
      storage: "file",
      retention: "limits",
      discard: "old",
      max_bytes: maxBytes,
      max_msgs: -1,
      max_age: 0,
      max_consumers: -1,
      num_replicas: 1,
    }),
  };
}

/** An ordered consumer of the whole stream: no acknowledgements, kept in memory, flow control so that nothing is dropped. */
export function orderedConsumer(topic: string, deliverTo: string): ApiRequest {
  const name = streamOf(topic);
  return {
    subject: `$JS.API.CONSUMER.CREATE.${name}`,
    body: JSON.stringify({
      stream_name: name,
      config: {
        deliver_subject: deliverTo,
        deliver_policy: "all",
        ack_policy: "none",
        max_deliver: 1,
        replay_policy: "instant",
        flow_control: true,
        idle_heartbeat: 5_000_000_000,
        mem_storage: true,
        num_replicas: 1,
      },
    }),
  };
}

/** Names of streams have no dots. */
function streamOf(topic: string): string {
  return topic.replaceAll(".", "_");
}
