/** The codes of the API's errors (protocol of the API, 2012-06-01, "Error responses"). protocol/ has their statuses. */
export type ErrorCode =
  | 'AccessDeniedException'
  | 'BadRequest'
  | 'ExpiredTokenException'
  | 'InsufficientCapacityException'
  | 'InvalidParameterValueException'
  | 'InvalidSignatureException'
  | 'LimitExceededException'
  | 'MissingAuthenticationTokenException'
  | 'MissingParameterValueException'
  | 'PolicyEnforcedException'
  | 'RequestTimeoutException'
  | 'ResourceNotFoundException'
  | 'SerializationException'
  | 'ServiceUnavailableException'
  | 'ThrottlingException'
  | 'UnknownOperationException'
  | 'UnrecognizedClientException';
