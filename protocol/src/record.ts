/**
 * Layout of a record: the same bytes in the log's memory, on disk, in a binary frame and in the browser.
 * All numbers are little-endian; a record begins at a multiple of 8 and its length is a multiple of 8.
 *
 * ```
 *    0        4        8                16               24   26   28       32
 *   +--------+--------+----------------+----------------+----+----+--------+
 *   | hub    | length |     offset     |   timestamp    |flag|prod|reserved|   the hub's part
 *   | check  |        |  (low, high)   |  (low, high)   |    |len | (zero) |
 *   +--------+--------+------+--+--+---+----------------+----+----+--------+
 *   |payload | data   | key  |headers|type|attr|reserved|
 *   |check   | length | len  |len    |    |    | (zero) |                        the publisher's part
 *   +--------+--------+------+-------+----+----+--------+
 *   32       36       40     42      44   45   46       48
 *   | key … | headers … | data … |
 *   +---------------------------------+
 *   | producer part (idempotent publishes; first record of the publish in this partition) |
 *   | zeros up to a multiple of 8 |
 * ```
 *
 * - **hub check**: CRC-32 of bytes 4 to 35 and of the producer part, begun with a seed made of epoch, partition and address
 *   (see {@link hubCheckSeed}), so that a record of an older lap or of another file is not believed. Readers outside the hub can't and needn't check it.
 * - **payload check**: CRC-32 of bytes 36 to the end of the data: lengths, type, key, headers, data. Made by the publisher,
 *   it travels unchanged to the last reader.
 * - **length**: of the whole record, a multiple of 8. Its low three bits are the kind: 0 a record, 1 a filler, which closes a
 *   lap of the ring, may be as short as 8 bytes (hub check and length alone), and never leaves the log.
 *
 * Producer part: id length u16, sequence u64 (low, high), count u32 of the whole publish's records in this partition, digest u32 of the publish request, id.
 */
