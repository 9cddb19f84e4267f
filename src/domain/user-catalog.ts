/** A user of an account. */
export interface User {
  readonly no: number;
  readonly account: string;
  readonly name: string;
  /** `AIDA…`: differs when a user of the same name is created again. */
  readonly userId: string;
  readonly createdMs: number;
}

/** An identity policy attached to a user. */
export interface UserPolicy {
  readonly name: string;
  /** As it was put. */
  readonly document: string;
}

export interface UserReads {
  listAccounts(): Promise<readonly string[]>;
  findUser(account: string, name: string): Promise<User | undefined>;
  userByNo(no: number): Promise<User | undefined>;
  /** By name. */
  listUsers(account: string): Promise<readonly User[]>;
  userPolicies(userNo: number): Promise<readonly UserPolicy[]>;
}

export interface CreateAccountArgs {
  /** 12 digits. */
  readonly id: string;
  readonly nowMs: number;
}

export type NewUser = Omit<User, 'no'>;

export interface DeleteUserArgs {
  readonly userNo: number;
}

export interface PutUserPolicyArgs extends UserPolicy {
  readonly userNo: number;
}

export interface DeleteUserPolicyArgs {
  readonly userNo: number;
  readonly name: string;
}

export interface UserWrites {
  /** Creates the account unless it exists. */
  createAccount(args: CreateAccountArgs): Promise<void>;
  /** @throws Refusal invalid when the account has a user of this name. */
  createUser(args: NewUser): Promise<User>;
  /** Deletes a user with keys and policies. */
  deleteUser(args: DeleteUserArgs): Promise<void>;
  putUserPolicy(args: PutUserPolicyArgs): Promise<void>;
  /** False if there was none of this name. */
  deleteUserPolicy(args: DeleteUserPolicyArgs): Promise<boolean>;
}
