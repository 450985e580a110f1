"""The hidden graders, one folder per problem."""
