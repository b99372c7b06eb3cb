// What pages ask the server: with the token that only our own pages know.

const token = document.querySelector('meta[name="csrf-token"]').content;

export async function ask(path, body) {
  // Sent with what changes nothing, too: somebody else may have come in by this browser since.
  const headers = { "content-type": "application/json", "x-csrf-token": token };
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body), keepalive: true };
  const response = await fetch(path, options);
  if (!response.ok) {
    const error = new Error(String(response.status));
    error.status = response.status;
    error.detail = await response.json().then((one) => one.detail, () => "");
    throw error;
  }
  return response.status === 204 ? null : response.json();
}
