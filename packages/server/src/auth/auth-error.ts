// Why a change of users, roles or the switch is refused (client-api.md §14).

/** What kind of refusal it is; each has its HTTP status. */
export type AuthErrorCode = "E_AUTH_INVALID" | "E_AUTH_FORBIDDEN" | "E_AUTH_NOT_FOUND" | "E_AUTH_CONFLICT";

/** A refused change or a missing user or role. The message is what etcd prints. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly code: AuthErrorCode;

  constructor(code: AuthErrorCode, message: string) {
    super(`auth: ${message}`);
    this.code = code;
  }
}
