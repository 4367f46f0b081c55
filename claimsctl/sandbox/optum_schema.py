"""The GraphQL schema of Optum Real's claim inquiry, as far as it is public; a query is checked against it.

Names of line fields other than `memberResponsiblityAmount` are a guess after those of its sibling interfaces.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse, validate

SDL: Final = """
type Query { searchClaim(searchClaimInput: SearchClaimInput!): SearchClaimResponse }
type Mutation { claimSubmission(input: ClaimSubmissionInput!): ClaimSubmissionResponse }
input SearchClaimInput {
  payerId: String!
  claimNumber: String
  patientAccountNumber: String
  memberId: String
  memberPolicy: String
  memberDateOfBirth: String
  memberFirstName: String
  memberLastName: String
  serviceStartDate: String
  serviceEndDate: String
}
input ClaimSubmissionInput { x12RequestData: String!, payerId: String! }
type ClaimSubmissionResponse { transactionId: String, x12ResponseData: String, responseType: String,
  x12Response277CA: String, message: String, statusCode: String }
type SearchClaimResponse { claims: [Claim], pagination: Pagination }
type Pagination { hasMoreRecords: Boolean, nextPageToken: String }
type Claim {
  claimNumber: String
  claimStatus: String
  hasClaimDetails: Boolean
  member: Member
  claimEvents: ClaimEvents
  claimLevelInfo: ClaimLevelInfo
  claimLevelTotalAmount: ClaimLevelTotalAmount
  payments: [Payment]
  claimStatusCrosswalkData: [Crosswalk]
  claimAdjudicationCodes: [AdjudicationCode]
  claimDetailedInformation: ClaimDetailedInformation
}
type Member { firstName: String, lastName: String, dateOfBirth: String }
type ClaimEvents { processedDate: String, serviceStartDate: String, serviceEndDate: String,
  statusEffectiveDate: String }
type ClaimLevelInfo { patientAccountNumber: String }
type ClaimLevelTotalAmount { totalBilledChargeAmount: String, totalAllowedAmount: String,
  totaldeductibleAmount: String, totalPaidAmount: String, totalPatientResponsibilityAmount: String }
type Payment { paymentNumber: String, paymentModeCode: String, adjudicatedClaimPaymentAmount: String,
  paymentAmount: String, paymentIssueDate: String }
type Crosswalk { claim507Code: String, claim507CodeDescription: String, claim508Code: String,
  claim508CodeDescription: String, adjudicatedClaimSuffixCode: String }
type AdjudicationCode { type: String, code: String, description: String }
type ClaimDetailedInformation { lines: [Line] }
type Line { lineNumber: String, serviceCode: String, billedAmount: String, allowedAmount: String,
  paidAmount: String, memberResponsiblityAmount: String, lineAdjudicationCodes: [AdjudicationCode] }
"""


@lru_cache(maxsize=64)
def checked(text: str) -> tuple[DocumentNode | None, str]:
    """A query and "", or None and what is wrong with it; clients send few different ones."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, error.message
    wrong = validate(schema(), document)
    return (None, wrong[0].message) if wrong else (document, "")


@cache
def schema() -> GraphQLSchema:
    """The schema, built once."""
    return build_schema(SDL)
