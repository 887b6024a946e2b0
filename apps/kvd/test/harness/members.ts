// The members API as an operator uses it.

import { getJson, postJson, request } from "./keys.ts";

/** Ids by name; a member that has not started yet is called "". */
export async function memberIds(baseUrl: string): Promise<ReadonlyMap<string, string>> {
  const { members } = await getJson<{ members: readonly { id: string; name: string }[] }>(
    `${baseUrl}/v2/members`,
  );
  return new Map(members.map(({ id, name }) => [name, id]));
}

/** @throws {Error} unless it is acknowledged. */
export async function addMember(baseUrl: string, peerUrl: string): Promise<void> {
  await postJson(`${baseUrl}/v2/members`, { peerURLs: [peerUrl] });
}

/** @throws {Error} unless it is acknowledged. */
export async function removeMember(baseUrl: string, id: string): Promise<void> {
  const response = await request("DELETE", `${baseUrl}/v2/members/${id}`);
  if (response.status !== 204) {
    throw new Error(`removing ${id} was answered ${response.status}: ${await response.text()}`);
  }
}

/** @throws {Error} unless it is acknowledged. */
export async function updatePeerUrl(baseUrl: string, id: string, peerUrl: string): Promise<void> {
  const response = await fetch(`${baseUrl}/v2/members/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ peerURLs: [peerUrl] }),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status !== 204) {
    throw new Error(`updating ${id} was answered ${response.status}: ${await response.text()}`);
  }
}
