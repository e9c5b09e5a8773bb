/** What the service answered instead of data: RFC 9457 problem details. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly hint?: string,
    readonly pointer?: string,
    readonly code?: string,
    readonly requestId?: string,
  ) {
    super(detail);
  }

  static async of(response: Response): Promise<Refusal> {
    const requestId = response.headers.get("x-request-id") ?? undefined;
    const body: Record<string, string> = await response.json().catch(() => ({}));
    const title = body.title ?? response.statusText;
    return new Refusal(response.status, title, body.detail ?? title, body.hint, body.pointer, body.code, requestId);
  }

  static offline(cause: unknown): Refusal {
    return cause instanceof Refusal ? cause : new Refusal(0, "offline", cause instanceof Error ? cause.message : String(cause));
  }

  get isSignedOut() {
    return this.status === 401;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}
